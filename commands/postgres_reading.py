"""Reading from PostgreSQL: a few pooled connections, binary results, rows made into tuples of one's choice."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from commands.postgres_connection import ANSWER_S, CONNECT_S, bounded, conninfo, was_refused
from commands.store import StoreBusy, StoreUnavailable

type Connection = AsyncConnection[TupleRow]

TRY_S = 4.0
"""A connection that says nothing for so long is given up for another one: what it leads to may be gone."""


class Reading:
    """A pool of at most `size` connections in autocommit mode, each with the server's `options`.

    What was used last, and works, is kept at hand for whoever comes next: asking the pool each time would take a
    twelfth of what a page of history costs.

    Statements are planned each time, for the size that the tables have now, or prepared after they were used
    `prepare_after` times: a prepared one may keep the plan that was good when all was empty, and read a large table
    from end to end.
    """

    def __init__(self, url: str, size: int, *, prepare_after: int | None = None, options: str = "") -> None:
        self._conninfo = conninfo(url)
        said = conninfo_to_dict(self._conninfo).get("options") or ""
        self._kwargs = {"autocommit": True, "prepare_threshold": prepare_after, "options": f"{said} {options}".strip()}
        self._size = size
        self._in_use = 0
        self._asking = 0
        self._at_hand: list[Connection] = []
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def open(self) -> None:
        """Begin to connect. Without `reconnect_timeout=0` the pool would stay away ever longer from a lost server."""
        self._pool = AsyncConnectionPool(
            self._conninfo,
            min_size=1,
            max_size=self._size,
            kwargs=self._kwargs,
            timeout=CONNECT_S,
            reconnect_timeout=0,
            open=False,
        )
        await self._pool.open()

    async def close(self) -> None:
        """Close every connection; further calls raise `StoreUnavailable`."""
        if self._pool:
            while self._at_hand:
                await self._pool.putconn(self._at_hand.pop())
            await self._pool.close()

    async def select[T](
        self, statement: str, parameters: Sequence[object] | Mapping[str, object], make: Callable[[Sequence[Any]], T]
    ) -> list[T]:
        """The rows of a statement that may be run twice, each given to `make`. Raises: StoreBusy, StoreUnavailable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ANSWER_S
        while True:
            connection = await self._take()
            try:
                with bounded(connection, min(TRY_S, deadline - loop.time())):
                    cursor = connection.cursor(binary=True, row_factory=lambda _: make)
                    await cursor.execute(statement.encode(), parameters)
                    found = await cursor.fetchall()
            except psycopg.Error as error:
                await self._give_up(connection)
                died = not was_refused(error)
                if died and loop.time() < deadline:
                    continue  # it may have been dead since the last time it was used; there are others
                if died or isinstance(error, psycopg.OperationalError):
                    raise StoreUnavailable(str(error)) from error
                raise
            except BaseException:
                await self._give_up(connection)
                raise
            await self._give_back(connection)
            return found

    async def _take(self) -> Connection:
        """A connection, to be given back or up. Raises: StoreBusy, StoreUnavailable."""
        if self._at_hand:
            connection = self._at_hand.pop()
        elif self._pool is None:
            raise StoreUnavailable("the store is closed")
        else:
            self._asking += 1
            try:
                connection = await self._pool.getconn()
            except psycopg.Error as error:
                if isinstance(error, PoolTimeout) and self._in_use == self._size:
                    raise StoreBusy(str(error)) from error
                raise StoreUnavailable(str(error)) from error
            finally:
                self._asking -= 1
        self._in_use += 1
        return connection

    async def _give_back(self, connection: Connection) -> None:
        """It works: keep it at hand, unless somebody waits for the pool to have one."""
        if self._asking or self._pool is None or self._pool.closed:
            await self._give_up(connection)
        else:
            self._in_use -= 1
            self._at_hand.append(connection)

    async def _give_up(self, connection: Connection) -> None:
        """Let the pool see whether it can still be used."""
        self._in_use -= 1
        assert self._pool
        await self._pool.putconn(connection)
