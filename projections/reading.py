"""Read connections: on PostgreSQL an async pool, without a thread hop; on SQLite a few threads with one each."""

import asyncio
import re
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from django.conf import settings

from commands import postgres_reading
from commands.errors import Unavailable
from commands.sqlite_connection import files_beside
from commands.store import StoreUnavailable

CONNECTIONS = 4
BY_INDEX = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c jit=off -c default_transaction_read_only=on"
"""Every statement goes by key; a plan that was kept from when a table was small must not scan it when it is large."""
_NAMED = re.compile(r"(?<!:):(\w+)")

type Parameters = Mapping[str, object]


class Reading(Protocol):
    """Runs one statement and answers its rows. Parameters are written `:name`. Raises: Unavailable."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Close every connection."""

    async def rows(self, statement: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """The rows of one statement: one snapshot."""


def reading() -> Reading:
    """What reads the database that the settings name, with the log beside it."""
    if settings.ON_SQLITE:
        path = settings.DATABASES["default"]["NAME"]
        return SQLiteReading(str(path), log=str(files_beside(path).events))
    return PostgresReading(settings.DATABASE_URL)


class PostgresReading:
    """Reads through a pool of connections, with prepared statements and binary results."""

    def __init__(self, url: str) -> None:
        self._pool = postgres_reading.Reading(url, CONNECTIONS, prepare_after=2, options=BY_INDEX)
        self._written: dict[str, tuple[str, list[str]]] = {}

    async def open(self) -> None:
        """Start the pool; a database that is away is tried again when it is needed."""
        await self._pool.open()

    async def close(self) -> None:
        """Close the pool."""
        await self._pool.close()

    async def rows(self, statement: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """See `Reading.rows`."""
        query, names = self._written.get(statement) or self._write(statement)
        try:
            return await self._pool.select(query, [parameters[name] for name in names], tuple)
        except StoreUnavailable as error:
            raise Unavailable("The read database cannot be reached right now: try again.") from error

    def _write(self, statement: str) -> tuple[str, list[str]]:
        """A statement as PostgreSQL wants it, and the names of its parameters in the order of their numbers."""
        names = list(dict.fromkeys(_NAMED.findall(statement)))
        query = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", statement)
        self._written[statement] = query, names
        return query, names


class SQLiteReading:
    """Reads on a few threads, each with a connection that cannot write; it sees the log where PostgreSQL has it."""

    def __init__(self, path: str, *, log: str) -> None:
        self._path = path
        self._log = log
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="queries")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []

    async def open(self) -> None:
        """Nothing to do: each thread connects when it first reads."""

    async def close(self) -> None:
        """Close every connection."""
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()
        self._connections.clear()

    async def rows(self, statement: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """See `Reading.rows`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, statement, parameters)
        except (sqlite3.OperationalError, RuntimeError) as error:
            raise Unavailable("The read database cannot be reached right now: try again.") from error

    def _rows(self, statement: str, parameters: Parameters) -> list[tuple[Any, ...]]:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, check_same_thread=False, cached_statements=64)
            connection.execute("PRAGMA busy_timeout=5000")
            connection.execute("ATTACH ? AS public", [self._log])
            connection.execute("PRAGMA query_only=ON")
            self._local.connection = connection
            self._connections.append(connection)
        return connection.execute(statement, dict(parameters)).fetchall()
