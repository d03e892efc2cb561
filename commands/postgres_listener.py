"""How far the store has come, as PostgreSQL tells those who listen, well under a millisecond after a commit."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import AsyncConnection

from commands.postgres_connection import ANSWER_S, bounded, conninfo
from commands.store import StoreUnavailable

log = logging.getLogger(__name__)

AGAIN_AFTER_S = 0.5


class Listener:
    """Wakes those who wait for the store to grow. It connects with the first of them, and again when cut off.

    `url` must lead to PostgreSQL itself: a pooler between would swallow what is told. `last_position` asks the store.
    """

    def __init__(self, url: str, last_position: Callable[[], Awaitable[int]]) -> None:
        self._conninfo = conninfo(url)
        self._last_position = last_position
        self._position = 0
        self._grown = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def wait(self, after: int, timeout_s: float) -> None:
        """Return as soon as the store is known to reach beyond `after`, or when the time is over."""
        if self._task is None:
            self._task = asyncio.create_task(self._listen(), name="store-listener")
        if self._position > after:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._grown.wait()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Stop listening."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async with await AsyncConnection.connect(self._conninfo, autocommit=True) as connection:
                    await self._follow(connection)
            except (psycopg.Error, StoreUnavailable) as error:
                log.warning("not listening to PostgreSQL: %s", error)
            await asyncio.sleep(AGAIN_AFTER_S)

    async def _follow(self, connection: AsyncConnection) -> None:
        with bounded(connection, ANSWER_S):
            await connection.execute("LISTEN stored_events")
        self._heard_of(await self._last_position())
        async for notice in connection.notifies():
            # the library's own insert names no position
            self._heard_of(int(notice.payload) if notice.payload else await self._last_position())

    def _heard_of(self, position: int) -> None:
        self._position = max(self._position, position)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
