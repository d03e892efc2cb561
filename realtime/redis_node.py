"""One Redis server that we stay connected to, whatever happens to it or to the way there."""

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import Any, Protocol

from hiredis import PushNotification, ReplyError

from realtime.redis_address import Access, Address
from realtime.redis_connection import Connection, pack

log = logging.getLogger(__name__)

CONNECT_S = 2.0
FIRST_PAUSE_S = 0.05
MAX_PAUSE_S = 2.0
STEADY_S = 5.0
"""A connection that lasted shorter counts as a failure: the next attempt waits longer."""
SILENT_CHECKS = 4
"""A server that has not answered for so many checks, one a second, is dead."""
CLOSE_S = 1.0
OLDEST = 7
"""The first version of Redis with sharded pub/sub, and of Valkey."""
PING = pack("PING")


class Listener(Protocol):
    """Who is told what comes from a node."""

    def connected(self, node: "Node", *, in_cluster: bool) -> None:
        """A fresh connection is ready: it has no subscriptions."""

    def disconnected(self, node: "Node") -> None:
        """The connection has ended, with its subscriptions."""

    def take_messages(self, messages: list[list[bytes]]) -> None:
        """Take `[smessage, channel, payload]`s."""

    def take_push(self, node: "Node", push: list[Any]) -> None:
        """Take any other push: `[ssubscribe or sunsubscribe, channel, count]`."""

    def take_slots(self, node: "Node", slots: list[Any]) -> None:
        """Take the answer to CLUSTER SLOTS."""

    def take_refusal(self, node: "Node", reason: str) -> None:
        """Take an error reply."""


class Node:
    """A server, and the task that connects to it again and again."""

    def __init__(self, address: Address, access: Access, listener: Listener) -> None:
        self.address = address
        self._access = access
        self._listener = listener
        self._connection: Connection | None = None
        self._hello: asyncio.Future[dict[bytes, Any]] | None = None
        self._silent_checks = 0
        self._away = False
        self._staying = asyncio.create_task(self._stay(), name=f"redis {address}")

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    @property
    def takes_writes(self) -> bool:
        return self._connection is not None and self._connection.takes_writes

    def write(self, commands: bytes) -> bool:
        """Send packed commands; answers whether they were taken: not while the server is away or does not read."""
        return self._connection is not None and self._connection.write(commands)

    def check(self) -> None:
        """To be called once a second: a silent server is asked whether it lives, and given up if it does not say."""
        connection = self._connection
        if connection is None:
            return
        self._silent_checks = 0 if connection.heard else self._silent_checks + 1
        if connection.heard:
            connection.heard = False
        elif self._silent_checks >= SILENT_CHECKS:
            log.warning("redis %s does not answer", self.address)
            connection.abort()
        else:
            connection.write(PING)

    async def leave(self) -> None:
        """Send what was written, and stay away."""
        self._away = True
        if (connection := self._connection) is not None:
            connection.close()
            await asyncio.wait([connection.lost], timeout=CLOSE_S)
        self._staying.cancel()
        with suppress(asyncio.CancelledError):
            await self._staying

    async def _stay(self) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._live()
            except (OSError, ReplyError) as reason:
                self._say_once(reason)
            failures = 1 if time.monotonic() - began > STEADY_S else failures + 1
            await asyncio.sleep(pause_s(failures))

    async def _live(self) -> None:
        """One connection, from beginning to end. Raises: OSError, ReplyError when there is none to be had."""
        async with asyncio.timeout(CONNECT_S):
            connection = await self._connect()
        try:
            hello = await self._greet(connection)
            self._connection, self._silent_checks, self._away = connection, 0, False
            log.info("redis %s: connected", self.address)
            self._listener.connected(self, in_cluster=hello.get(b"mode") == b"cluster")
            await connection.lost
            self._say_once("the connection was lost")
        finally:
            connection.abort()
            if self._connection is not None:
                self._connection = None
                self._listener.disconnected(self)

    async def _connect(self) -> Connection:
        host, port = self.address
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self._listener.take_messages, self._take_reply), host, port, ssl=self._access.tls
        )
        return connection

    async def _greet(self, connection: Connection) -> dict[bytes, Any]:
        """Log in; answers what the server says of itself."""
        self._hello = asyncio.get_running_loop().create_future()
        connection.write(self._access.hello)
        async with asyncio.timeout(CONNECT_S):
            either: list[asyncio.Future[Any]] = [self._hello, connection.lost]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not self._hello.done():
            raise ConnectionResetError("closed while logging in")
        hello = self._hello.result()
        if int(hello[b"version"].partition(b".")[0]) < OLDEST:
            raise ConnectionRefusedError(f"its version {hello[b'version'].decode()} has no sharded pub/sub")
        return hello

    def _take_reply(self, reply: Any) -> None:
        if isinstance(reply, PushNotification):
            self._listener.take_push(self, reply)
        elif isinstance(reply, ReplyError):
            self._take_error(reply)
        elif isinstance(reply, list):
            self._listener.take_slots(self, reply)
        elif isinstance(reply, dict) and self._hello and not self._hello.done():
            self._hello.set_result(reply)

    def _take_error(self, error: ReplyError) -> None:
        if self._hello and not self._hello.done():
            self._hello.set_exception(error)
        else:
            self._listener.take_refusal(self, str(error))

    def _say_once(self, reason: object) -> None:
        """One line for each time the server goes away, however often it is tried again."""
        if not self._away:
            log.warning("redis %s is away: %s", self.address, reason or type(reason).__name__)
        self._away = True


def pause_s(failures: int) -> float:
    """How long to wait before the next attempt: longer each time, and never the same for all processes."""
    return min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
