"""Redis or Valkey: reachable, and of a version that knows sharded pub/sub."""

import re
import socket
from typing import Any

import hiredis
from django.conf import settings

from config.checkups.findings import Finding, Findings, ok, problem, warning
from realtime.redis_address import Access, Address, parse
from realtime.redis_connection import pack

ANSWER_S = 2.0
MIN_VERSION = 7
VERSION = re.compile(r"(redis|valkey)_version:(\d+)\.(\S+)")


def check() -> Findings:
    """Say hello to every host of `REDIS_URL`."""
    if not settings.REDIS_URL:
        if settings.ON_SQLITE:
            yield ok("REDIS_URL", "not needed on SQLite")
        else:
            yield warning("REDIS_URL", "is not set: one web process only, since others would hear of its messages late")
        return
    try:
        access = parse(settings.REDIS_URL)
    except ValueError as error:
        yield problem("REDIS_URL", str(error))
        return
    for address in access.seeds:
        try:
            yield from _look(address, access)
        except (OSError, hiredis.HiredisError) as error:
            yield problem(f"redis {address}", f"{error}: messages still arrive, up to a second late")


def _look(address: Address, access: Access) -> Findings:
    with socket.create_connection(address, timeout=ANSWER_S) as plain:
        connection = access.tls.wrap_socket(plain, server_hostname=address.host) if access.tls else plain
        with connection:
            reader = hiredis.Reader()
            _ask(connection, reader, access.hello)
            yield _version(f"redis {address}", _text(_ask(connection, reader, pack("INFO", "server"))))
            if "redis_mode:cluster" in _text(_ask(connection, reader, pack("INFO", "server"))):
                state = _text(_ask(connection, reader, pack("CLUSTER", "INFO")))
                whole = "cluster_state:ok" in state
                yield ok("cluster", "whole") if whole else problem("cluster", "not whole: `CLUSTER INFO` says why")


def _version(about: str, info: str) -> Finding:
    found = {name: (int(major), f"{name} {major}.{rest}") for name, major, rest in VERSION.findall(info)}
    major, full = found.get("valkey") or found.get("redis") or (0, "an unknown server")
    if major < MIN_VERSION:
        return problem(about, f"{full}: sharded pub/sub needs Redis or Valkey {MIN_VERSION} or newer")
    return ok(about, full)


def _ask(connection: socket.socket, reader: hiredis.Reader, command: bytes) -> Any:
    """Send one command. Raises: hiredis.ReplyError, OSError."""
    connection.sendall(command)
    while (reply := reader.gets()) is False:
        if not (read := connection.recv(65536)):
            raise ConnectionResetError("the connection was cut off")
        reader.feed(read)
    if isinstance(reply, hiredis.ReplyError):
        raise reply
    return reply


def _text(reply: Any) -> str:
    return reply.decode() if isinstance(reply, bytes) else str(reply)
