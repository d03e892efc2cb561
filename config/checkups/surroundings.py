"""The settings, and the machine around the process."""

import os
import resource
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from config.checkups.findings import Finding, Findings, ok, problem, warning
from realtime import files

LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}
MIN_SECRET = 32
MIN_DIFFERENT = 10
POOLER_PORTS = (6432, 6543)


def check() -> Findings:
    """Everything that can be told without asking anybody."""
    yield _secret_key(settings.SECRET_KEY)
    yield _hosts(settings.ALLOWED_HOSTS, debug=settings.DEBUG)
    if settings.DEBUG:
        yield problem(
            "DEBUG", "is on: errors show the program to strangers; unset it where others can reach the server"
        )
    if not settings.LIMITS_ON:
        yield warning("LIMITS", "are off: one person can keep everybody busy; unset LIMITS but for load tests")
    if settings.BUS_FAULT:
        yield problem("BUS_FAULT", "is set: hints are damaged on purpose; it is for tests")
    if settings.METRICS_HOST not in LOOPBACK and not settings.METRICS_TOKEN:
        yield warning(
            "METRICS_HOST", "is open to others, who are refused: set METRICS_TOKEN, which your Prometheus sends"
        )
    if os.environ.get("FORWARDED_ALLOW_IPS") == "*":
        yield warning("FORWARDED_ALLOW_IPS", "trusts everybody to say where they come from: name your proxies")
    yield _open_files()
    if not settings.ON_SQLITE:
        yield _pooler(settings.DATABASE_URL, settings.DIRECT_DATABASE_URL)


def _secret_key(key: str) -> Finding:
    if len(key) < MIN_SECRET or len(set(key)) < MIN_DIFFERENT:
        return problem("SECRET_KEY", f"can be guessed, and with it anybody's token: use {MIN_SECRET} random characters")
    return ok("SECRET_KEY", f"{len(key)} characters")


def _hosts(hosts: Sequence[str], *, debug: bool) -> Finding:
    if "*" in hosts:
        return problem("ALLOWED_HOSTS", "takes any name, so that other sites' pages may ask: name your own")
    if set(hosts) <= LOOPBACK and not debug:
        return warning("ALLOWED_HOSTS", "has loopback names only: name the host that people type")
    return ok("ALLOWED_HOSTS", ", ".join(hosts))


def _open_files() -> Finding:
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)  # a web process raises its own as far as it may
    enough = settings.MAX_SOCKETS + files.RESERVED
    if 0 <= limit < enough:
        return warning(
            "open files",
            f"at most {limit}, a socket each: raise it (ulimit -Hn, LimitNOFILE) to {enough}, or lower MAX_SOCKETS",
        )
    return ok("open files", f"at most {limit}")


def _pooler(url: str, direct: str | None) -> Finding:
    """A transaction pooler hides from us who holds a lock and who listens."""
    parts = urlsplit(url)
    looks = parts.port in POOLER_PORTS or "pooler" in (parts.hostname or "") or "pgbouncer" in parse_qs(parts.query)
    if looks and not direct:
        return problem(
            "DIRECT_DATABASE_URL", "is not set and DATABASE_URL looks like a pooler: name the server behind it"
        )
    return ok("DIRECT_DATABASE_URL", "set" if direct else "not needed")
