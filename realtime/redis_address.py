"""`REDIS_URL`: where Redis or Valkey is, and how one gets in.

    redis://[[user]:password@]host[:port][,host[:port] …][/database][?ssl_cert_reqs=none&ssl_ca_certs=path]

`rediss://` is TLS. Several hosts are seeds of a cluster. Pub/sub knows no databases: ours is part of channel names.
"""

import ssl
from typing import NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from realtime.redis_connection import pack

SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
PORT = 6379
CLIENT_NAME = "verbatim"


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Access(NamedTuple):
    """How to reach Redis: `hello` is the first command on every connection, RESP3 and who we are."""

    seeds: tuple[Address, ...]
    database: int
    hello: bytes
    tls: ssl.SSLContext | None


def parse(url: str) -> Access:
    """Read a URL. Raises: ValueError, which never quotes the password."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("REDIS_URL must begin with redis:// or rediss://")
    login, _, hosts = parts.netloc.rpartition("@")
    database = parts.path.strip("/") or "0"
    if not database.isdecimal():
        raise ValueError("the path of REDIS_URL must be the number of a database")
    return Access(
        seeds=tuple(_address(host) for host in hosts.split(",")),
        database=int(database),
        hello=_hello(login),
        tls=_tls(parse_qs(parts.query)) if SCHEMES[parts.scheme] else None,
    )


def _address(text: str) -> Address:
    try:
        parts = urlsplit(f"//{text}")
        return Address(parts.hostname or "localhost", parts.port or PORT)
    except ValueError:
        raise ValueError("a host of REDIS_URL is not host:port") from None


def _hello(login: str) -> bytes:
    user, _, password = login.partition(":")
    proof = ("AUTH", unquote(user) or "default", unquote(password)) if login else ()
    return pack("HELLO", "3", *proof, "SETNAME", CLIENT_NAME)


def _tls(options: dict[str, list[str]]) -> ssl.SSLContext:
    """Certificates are checked, unless `ssl_cert_reqs=none` says that they are self-signed (as on some platforms)."""
    context = ssl.create_default_context(cafile=options.get("ssl_ca_certs", [None])[-1])
    if options.get("ssl_cert_reqs") == ["none"]:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
