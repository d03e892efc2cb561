"""The environment as settings.py wants it: typed, checked, with the contract's defaults."""

import base64
import os
import secrets
import sys
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from commands.treehead import SigningKey, key_from_text

type Guests = Literal["write", "read", "off"]
type LogFormat = Literal["json", "text"]

SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000; PRAGMA secure_delete=ON"
POSTGRES_OPTIONS = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that vanished without a word is noticed in seconds."""
_POSTGRES_NAMES = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}


def flag(name: str, *, default: bool) -> bool:
    """An on/off variable. Raises: ImproperlyConfigured for anything else."""
    value = os.environ.get(name, "").strip().lower()
    if value in ("on", "1", "true", "yes"):
        return True
    if value in ("off", "0", "false", "no"):
        return False
    if value:
        raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}")
    return default


def port[D](name: str, default: D) -> int | D:
    """A port to listen on. Raises: ImproperlyConfigured."""
    value = os.environ.get(name)
    if not value:
        return default
    if not value.isdecimal() or int(value) > 65535:
        raise ImproperlyConfigured(f"{name} must be a number up to 65535, not {value!r}")
    return int(value)


def seconds(name: str, *, default: float) -> float:
    """A time in seconds, more than none. Raises: ImproperlyConfigured."""
    try:
        value = float(os.environ.get(name) or default)
    except ValueError:
        value = 0.0
    if not 0 < value < inf:
        raise ImproperlyConfigured(f"{name} must be a number of seconds, not {os.environ.get(name)!r}")
    return value


def count(name: str, *, default: int) -> int:
    """A number, at least 1. Raises: ImproperlyConfigured."""
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) <= 10**6:
        raise ImproperlyConfigured(f"{name} must be a number from 1 to 1000000, not {value!r}")
    return int(value)


def names(name: str, *, default: str) -> list[str]:
    """A list with commas between."""
    return [each for part in os.environ.get(name, default).split(",") if (each := part.strip())]


def guests() -> Guests:
    """`GUESTS`: what people may do who have not signed in. Raises: ImproperlyConfigured."""
    match os.environ.get("GUESTS") or "write":
        case "write" | "read" | "off" as allowed:
            return allowed
        case other:
            raise ImproperlyConfigured(f"GUESTS must be write, read or off, not {other!r}")


def log_format() -> LogFormat:
    """`LOG_FORMAT`: how log lines look; by itself text for a person at a terminal. Raises: ImproperlyConfigured."""
    match os.environ.get("LOG_FORMAT"):
        case "json" | "text" as wanted:
            return wanted
        case None | "":
            return "text" if flag("DEBUG", default=False) or sys.stderr.isatty() else "json"
        case other:
            raise ImproperlyConfigured(f"LOG_FORMAT must be json or text, not {other!r}")


def database(url: str, base: Path) -> Mapping[str, Any]:
    """Django's DATABASES entry for `sqlite:///path` or `postgres://…`. Raises: ImproperlyConfigured."""
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        options = {"init_command": SQLITE_PRAGMAS, "transaction_mode": "IMMEDIATE"}
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(_sqlite_path(url, base)), "OPTIONS": options}
    if scheme in ("postgres", "postgresql"):
        said = _postgres_parameters(url)
        named = {name: str(said.pop(parameter, "")) for name, parameter in _POSTGRES_NAMES.items()}
        return {"ENGINE": "django.db.backends.postgresql", **named, "OPTIONS": {**POSTGRES_OPTIONS, **said}}
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:/// or postgres://")


def _sqlite_path(url: str, base: Path) -> Path:
    """`sqlite:///below/base` or `sqlite:////from/the/root`; the folder is made, for its owner alone."""
    parts = urlsplit(url)
    path = base / unquote(parts.path).removeprefix("/")
    if not parts.path.startswith("/") or parts.netloc or parts.query or parts.fragment or path == base or path.is_dir():
        raise ImproperlyConfigured(
            "DATABASE_URL must name a file: sqlite:///below/verbatim or sqlite:////from/the/root"
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {error}") from error
    return path


def _postgres_parameters(url: str) -> dict[str, Any]:
    """What libpq reads in a url, such as `?sslmode=`, so that every connection means the same server."""
    try:
        return conninfo_to_dict(url)
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error


def secret(name: str, var: Path, *, required: bool) -> str:
    """A secret from the environment, or one made on the first run and kept in `var/`, readable by its owner alone.

    Raises: ImproperlyConfigured when it is `required` from the environment and missing.
    """
    if value := os.environ.get(name):
        return value
    if required:
        raise ImproperlyConfigured(f"{name} must be set in the environment when the database is not SQLite")
    path = var / name.lower()
    if not path.exists():
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_once(path, base64.b64encode(secrets.token_bytes(32)).decode())
    return path.read_text().strip()


def _write_once(path: Path, text: str) -> None:
    """Create a file whole or not at all; of several processes that try, one wins."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def master_key(encoded: str) -> bytes:
    """The key that wraps people's keys: 32 bytes in base64. Raises: ImproperlyConfigured."""
    try:
        key = base64.b64decode(encoded, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ImproperlyConfigured("MASTER_KEY must be 32 bytes in base64")
    return key


def signing_key(encoded: str | None, master: bytes) -> SigningKey:
    """`SIGNING_KEY`: what signs tree heads, 32 bytes in base64; made of the master key if there is none.

    Raises: ImproperlyConfigured.
    """
    if not encoded:
        return SigningKey.derived(master)
    try:
        return SigningKey(key_from_text(encoded))
    except ValueError as error:
        raise ImproperlyConfigured(f"SIGNING_KEY: {error}") from None
