"""Who may open a socket: the Origin that a browser names, and how many sockets a person and an address may have."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from commands.limits import Buckets, Rate
from realtime.protocol import CloseCode

MAX_PER_PERSON = 20
MAX_PER_ADDRESS = 100
NEW_PER_ADDRESS = Rate(per_s=10, burst=10)
_WEB_SCHEME = {"ws": "http", "wss": "https"}
_PORT = {"http": 80, "https": 443}


class Admission:
    """Counts the open sockets of every person and address, in this process."""

    def __init__(self) -> None:
        self._persons: Counter[str] = Counter()
        self._addresses: Counter[str] = Counter()
        self._arrivals = Buckets(NEW_PER_ADDRESS)

    def enter(self, person: str, address: str) -> tuple[CloseCode, float] | None:
        """Count one more socket, or answer why it must close and how many seconds to stay away."""
        if settings.LIMITS_ON:
            if wait_s := self._arrivals.take(address):
                return CloseCode.TOO_MANY_REQUESTS, wait_s
            if self._persons[person] >= MAX_PER_PERSON or self._addresses[address] >= MAX_PER_ADDRESS:
                return CloseCode.TOO_MANY_CONNECTIONS, 0
        self._persons[person] += 1
        self._addresses[address] += 1
        return None

    def leave(self, person: str, address: str) -> None:
        """One socket less, of one that was let in."""
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


def _place(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an origin; nothing for what is not one, as `null`."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT.get(parts.scheme)
    except ValueError:
        return None
    if not parts.hostname or port is None or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port
