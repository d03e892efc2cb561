"""Who may open a socket: the Origin that a browser names, and how many sockets a person and an address may have."""

import logging
import random
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from commands.limits import Buckets, Rate
from realtime import files
from realtime.close_codes import CloseCode

log = logging.getLogger(__name__)

MAX_PER_PERSON = 20
MAX_PER_ADDRESS = 100
NEW_PER_ADDRESS = Rate(per_s=10, burst=10)
FULL_S = 10.0
"""When whoever is sent away because the process is full is told to come back, at the latest."""
_WEB_SCHEME = {"ws": "http", "wss": "https"}
_PORT = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")


def most_sockets() -> int:
    """How many sockets a process takes."""
    return min(settings.MAX_SOCKETS, files.allowed() - files.RESERVED)


class Admission:
    """Counts the open sockets of this process, and of every person and address in it."""

    def __init__(self) -> None:
        self._most = most_sockets()
        if self._most < settings.MAX_SOCKETS:
            log.info("room for %d sockets, not %d: raise the limit of open files", self._most, settings.MAX_SOCKETS)
        self._open = 0
        self._persons: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._arrivals = Buckets(NEW_PER_ADDRESS)

    def enter(self, person: str, address: str) -> tuple[CloseCode, float] | None:
        """Count one more socket, or answer why it must close and how many seconds to stay away."""
        if self._open >= self._most:
            return CloseCode.TOO_MANY_REQUESTS, random.uniform(1, FULL_S)  # noqa: S311 - spreads
        if settings.LIMITS_ON:
            if wait_s := self._arrivals.take(address):
                return CloseCode.TOO_MANY_REQUESTS, wait_s
            if self._persons[person] >= MAX_PER_PERSON or self._addresses[address] >= MAX_PER_ADDRESS:
                return CloseCode.TOO_MANY_CONNECTIONS, 0
        self._open += 1
        self._persons[person] += 1
        self._addresses[address] += 1
        return None

    def leave(self, person: str, address: str) -> None:
        """One socket less, of one that was let in."""
        self._open -= 1
        for counts, key in ((self._persons, person), (self._addresses, address)):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]


def may_connect(scope: Mapping[str, Any], *, with_token: bool) -> bool:
    """Whether the page that opens this socket is ours: its origin is the address that it asks, and that is one of ours.

    A browser sends cookies with whatever page asks, but says which page it is. What is no browser says nothing, and
    must bring a token.
    """
    origins = [value for name, value in scope["headers"] if name == b"origin"]
    if not origins:
        return with_token
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if len(origins) != 1 or len(hosts) != 1:
        return False
    host = hosts[0].decode("latin-1")
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    asked = _place(f"{_WEB_SCHEME[scope.get('scheme', 'ws')]}://{host}")
    return asked is not None and _place(origins[0].decode("latin-1")) == asked


def _place(origin: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin (RFC 6454); nothing for what is not one, as `null`."""
    parts = _ORIGIN.fullmatch(origin.lower())
    if not parts:
        return None
    scheme, host, port = parts.groups()
    return scheme, host, int(port) if port else _PORT[scheme]
