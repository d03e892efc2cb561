"""Reading from PostgreSQL: a few connections, kept at hand, rows made into tuples of one's choice."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool

from commands.postgres_connection import ANSWER_S, CONNECT_S, conninfo, was_refused
from commands.postgres_wire import Connection, Wire
from commands.store import StoreBusy, StoreUnavailable

TRY_S = 4.0
"""A connection that says nothing for so long is given up for another one: what it leads to may be gone."""


class Reading:
    """At most `size` connections in autocommit mode, each with the server's `options`.

    A pool makes them and replaces those that are lost. One that works is kept at hand for whoever comes next, the one
    that was used last first: asking the pool each time would take a twelfth of what a page of history costs.

    Statements are planned each time, for the size that the tables have now, or prepared after they were used
    `prepare_after` times: a prepared one may keep the plan that was good when all was empty, and read a large table
    from end to end.
    """

    def __init__(self, url: str, size: int, *, prepare_after: int | None = None, options: str = "") -> None:
        self._conninfo = conninfo(url)
        said = conninfo_to_dict(self._conninfo).get("options") or ""
        self._options = f"{said} {options}".strip()
        self._prepare_after = prepare_after
        self._size = size
        self._turns = asyncio.Semaphore(size)
        self._at_hand: list[Wire] = []
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def open(self) -> None:
        """Begin to connect. Without `reconnect_timeout=0` the pool would stay away ever longer from a lost server."""
        self._pool = AsyncConnectionPool(
            self._conninfo,
            min_size=1,
            max_size=self._size,
            kwargs={"autocommit": True, "options": self._options},
            timeout=CONNECT_S,
            reconnect_timeout=0,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; further calls raise `StoreUnavailable`."""
        pool, self._pool = self._pool, None
        if pool:
            while self._at_hand:
                await self._give_up(self._at_hand.pop(), pool)
            await pool.close()

    async def select[T](
        self, statement: str, parameters: Sequence[object], make: Callable[[Sequence[Any]], T]
    ) -> list[T]:
        """The rows of a statement that may be run twice, each given to `make`. Parameters are written `$1` and so on.

        Raises: StoreBusy, StoreUnavailable.
        """
        await self._wait_for_turn()
        try:
            return await self._select(statement.encode(), parameters, make)
        finally:
            self._turns.release()

    async def _select[T](
        self, statement: bytes, parameters: Sequence[object], make: Callable[[Sequence[Any]], T]
    ) -> list[T]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_S
        while True:
            wire, pool = await self._take()
            try:
                return await wire.ask(statement, parameters, make, within_s=min(TRY_S, deadline - loop.time()))
            except psycopg.Error as error:
                died = not was_refused(error) and not wire.is_free
                if died and loop.time() < deadline:
                    continue  # it may have been dead since the last time it was used; there are others
                if died or isinstance(error, psycopg.OperationalError):
                    raise StoreUnavailable(str(error)) from error
                raise
            finally:
                if wire.is_free and pool is self._pool:
                    self._at_hand.append(wire)
                else:
                    await self._give_up(wire, pool)

    async def _wait_for_turn(self) -> None:
        """Raises: StoreBusy."""
        if self._turns.locked():
            try:
                async with asyncio.timeout(CONNECT_S):
                    await self._turns.acquire()
            except TimeoutError:
                raise StoreBusy("all reading connections are in use") from None
        else:
            await self._turns.acquire()

    async def _take(self) -> tuple[Wire, AsyncConnectionPool[Connection]]:
        """A connection, and the pool that it is of. Raises: StoreUnavailable."""
        pool = self._pool
        if pool is None:
            raise StoreUnavailable("the store is closed")
        while self._at_hand:
            wire = self._at_hand.pop()
            if wire.is_free:
                return wire, pool
            await self._give_up(wire, pool)
        try:
            connection = await pool.getconn()
        except psycopg.Error as error:
            raise StoreUnavailable(str(error)) from error
        try:
            return Wire(connection, self._prepare_after), pool
        except (psycopg.Error, OSError, RuntimeError) as error:  # it was lost meanwhile, or cannot be watched
            await connection.close()
            await pool.putconn(connection)
            raise StoreUnavailable(str(error)) from error

    async def _give_up(self, wire: Wire, pool: AsyncConnectionPool[Connection]) -> None:
        """Close a connection that is lost, or that nobody waits for an answer on any more; the pool makes another."""
        wire.release()
        await wire.connection.close()
        await pool.putconn(wire.connection)
