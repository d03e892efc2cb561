"""Connections to PostgreSQL that never wait for ever, and the one that appends.

Connecting, asking and being told each have a bound: a server that hangs is treated like one that is gone.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import TupleRow

from commands.postgres_wire import Wire
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable

log = logging.getLogger(__name__)

CONNECT_S = 2
ANSWER_S = 10.0
_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": CONNECT_S,
    "application_name": "verbatim",
    "client_encoding": "UTF8",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": int(ANSWER_S * 1000),
}
_DURABILITY = "SELECT " + ", ".join(
    f"current_setting('{name}')" for name in ("fsync", "full_page_writes", "synchronous_commit")
)
# The plans of the append function are made once, perhaps for an empty table, and must be right for a large one:
# whatever it looks up, it looks up by index. A reload of the server's settings must not undo `synchronous_commit`.
_SETTINGS = """
    SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off;
    SET default_transaction_isolation = 'read committed';
    SET lock_timeout = '5s'; SET statement_timeout = '8s';
    SELECT set_config('synchronous_commit', current_setting('synchronous_commit'), false)"""


def conninfo(url: str) -> str:
    """The connection string of a url; what it does not say itself is set so that a dead server is noticed."""
    said = conninfo_to_dict(url)
    return make_conninfo(url, **{name: value for name, value in _DEFAULTS.items() if name not in said})


@contextmanager
def bounded(connection: AsyncConnection[Any], seconds: float) -> Iterator[None]:
    """Cut the connection when the block takes longer, so that what waits for an answer gets an error."""
    handle = asyncio.get_running_loop().call_later(seconds, _cut, connection)
    try:
        yield
    finally:
        handle.cancel()


def _cut(connection: AsyncConnection[Any]) -> None:
    log.warning("PostgreSQL did not answer in time: cutting the connection")
    with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


class WritingConnection:
    """The store's one writing connection, made anew when it was lost. Calls queue behind each other.

    `prepare` is called with every new connection.
    """

    def __init__(self, url: str, prepare: Callable[[AsyncConnection[TupleRow]], None]) -> None:
        self._conninfo = conninfo(url)
        self._prepare = prepare
        self._wire: Wire | None = None
        self._turn = asyncio.Lock()
        self._open = False

    async def open(self) -> None:
        """Raises: NotDurable, StoreUnavailable."""
        try:
            self._wire = await self._connect()
        except psycopg.Error as error:
            raise StoreUnavailable(str(error)) from error
        self._open = True

    async def close(self) -> None:
        """Finish what is being said, then hang up; further calls raise `StoreUnavailable`."""
        self._open = False
        async with self._turn:
            await self._drop()

    async def execute(self, statement: str, parameters: Sequence[object]) -> list[TupleRow]:
        """One statement (its parameters are `$1` and so on), one commit, one round trip; answers its rows.

        Raises: StoreUnavailable when nothing can have been recorded, OutcomeUnknown when the answer was lost.
        """
        async with self._turn:
            wire = await self._connected()
            try:
                return await wire.ask(statement.encode(), parameters, tuple, within_s=ANSWER_S)
            except psycopg.Error as error:
                if was_refused(error):
                    if isinstance(error, psycopg.OperationalError | psycopg.InternalError):
                        raise StoreUnavailable(str(error)) from error
                    raise
                await self._drop()
                raise OutcomeUnknown(str(error)) from error
            except asyncio.CancelledError:
                await self._drop()
                raise

    async def _connected(self) -> Wire:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        if self._wire and not self._wire.is_lost:
            return self._wire
        await self._drop()
        try:
            self._wire = await self._connect()
        except (psycopg.Error, NotDurable) as error:
            raise StoreUnavailable(str(error)) from error
        return self._wire

    async def _connect(self) -> Wire:
        connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        try:
            with bounded(connection, CONNECT_S):
                await check_durable(connection)
                await connection.execute(_SETTINGS)
            self._prepare(connection)
            return Wire(connection, prepare_after=0)
        except BaseException:
            await connection.close()
            raise

    async def _drop(self) -> None:
        if self._wire:
            self._wire.release()
            await self._wire.connection.close()
            self._wire = None


async def check_durable(connection: AsyncConnection[TupleRow]) -> None:
    """Raises: NotDurable when what was acknowledged on this connection could be lost in a power failure."""
    cursor = await connection.execute(_DURABILITY)
    values = await cursor.fetchone()
    if values is None or "off" in values:
        raise NotDurable(
            f"PostgreSQL must run with fsync, full_page_writes and synchronous_commit on, not {values} (in this order)"
        )


def was_refused(error: psycopg.Error) -> bool:
    """Whether the server said that the statement failed, and goes on listening: then nothing was committed.

    A session that is being ended says FATAL, which may follow a commit.
    """
    return error.diag.severity_nonlocalized == "ERROR"
