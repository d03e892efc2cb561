"""The event store on SQLite: one file, one writing thread, a few reading ones.

The file is in WAL mode with synchronous=FULL: a commit is on the disk before anyone is told. The WAL is checkpointed
by a thread of its own, so that no commit waits for it. What this process appended itself is remembered (the heads of
streams, the last seq of subjects) for as long as SQLite's `data_version` says that nobody else has written.
"""

import asyncio
import json
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, override

from eventsourcing.sqlite import SQLiteApplicationRecorder

from commands.sqlite_batch import Batch, Memory
from commands.sqlite_checkpoint import Checkpointer
from commands.sqlite_connection import Datastore, check_durable, connect
from commands.store import Entry, Mark, Outcome, OutcomeUnknown, Recorded, StoreUnavailable

READERS = 4

_COLUMNS = "stored_events.rowid, originator_id, originator_version, topic, subject, state"
_TABLE = """
CREATE TABLE IF NOT EXISTS stored_events (
    rowid INTEGER PRIMARY KEY AUTOINCREMENT,
    originator_id TEXT NOT NULL,
    originator_version INTEGER NOT NULL,
    topic TEXT,
    state BLOB,
    subject TEXT NOT NULL DEFAULT ''
)"""
_INDEXES = (
    "CREATE UNIQUE INDEX IF NOT EXISTS stored_events_seq ON stored_events (originator_id, originator_version)",
    "CREATE INDEX IF NOT EXISTS stored_events_subject ON stored_events (originator_id, subject, originator_version)",
)
_END = "(SELECT {}(originator_version) FROM stored_events WHERE originator_id = ? AND subject = value)"


class SQLiteStore(SQLiteApplicationRecorder):
    """The `Store` in one SQLite file; the library's own recorder for everything that is read by its tools."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._writing = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._reading = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._memory = Memory()
        self._checkpointer: Checkpointer | None = None
        self._appended = asyncio.Event()
        self._known_position = 0
        self._open = False
        super().__init__(Datastore(self._path, originator_id_type="text"))
        self.insert_events_statement = (
            "INSERT INTO stored_events (originator_id, originator_version, topic, state) VALUES (?,?,?,?)"
        )

    @override
    def construct_create_table_statements(self) -> list[str]:
        return [_TABLE, *_INDEXES]

    async def open(self) -> None:
        """Create what is missing and start. Raises: NotDurable, StoreUnavailable."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._prepare)
        self._open = True
        self._checkpointer = Checkpointer(self._path, self._writing)
        self._checkpointer.start()

    async def close(self) -> None:
        """Finish what is being written, fold the WAL into the file, close every connection."""
        self._open = False
        if self._checkpointer:
            await asyncio.to_thread(self._checkpointer.stop)
        self._reading.shutdown()
        self._writing.shutdown()
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.datastore.close()

    async def append(self, batch: Sequence[Entry], *, resolve: bool = False) -> list[Outcome]:
        """See `Store.append`."""
        outcomes = await self._run(self._writing, lambda: self._append(batch, resolve=resolve))
        appended, self._appended = self._appended, asyncio.Event()
        self._known_position = max(self._known_position, self._memory.position)
        appended.set()
        return outcomes

    async def read_stream(
        self, stream: str, *, after: int = 0, upto: int | None = None, limit: int = 1000, backwards: bool = False
    ) -> list[Recorded]:
        """See `Store.read_stream`."""
        direction = "DESC" if backwards else "ASC"
        return await self._read(
            f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND originator_version > ? "
            f"AND originator_version <= ? ORDER BY originator_version {direction} LIMIT ?",
            (stream, after, 2**62 if upto is None else upto, limit),
        )

    async def read_all(self, *, after: int, limit: int = 1000) -> list[Recorded]:
        """See `Store.read_all`."""
        return await self._read(
            f"SELECT {_COLUMNS} FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT ?", (after, limit)
        )

    async def read_at(self, positions: Sequence[int]) -> list[Recorded]:
        """See `Store.read_at`."""
        return await self._read(
            f"SELECT {_COLUMNS} FROM json_each(?) CROSS JOIN stored_events ON stored_events.rowid = value "
            "ORDER BY value",
            (json.dumps(list(positions)),),
        )

    async def read_subjects(
        self, stream: str, subjects: Sequence[str], *, ends_of: Sequence[str] = ()
    ) -> list[Recorded]:
        """See `Store.read_subjects`."""
        places = ",".join("?" * len(subjects))
        rows = await self._read(
            f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND subject IN ({places}) UNION ALL "
            f"SELECT {_COLUMNS} FROM json_each(?) CROSS JOIN stored_events WHERE originator_id = ? AND subject = value "
            f"AND originator_version IN ({_END.format('MIN')}, {_END.format('MAX')})",
            (stream, *subjects, json.dumps(list(ends_of)), stream, stream, stream),
        )
        return sorted(set(rows), key=lambda row: row.seq)

    async def read_about(self, stream: str, subject: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """See `Store.read_about`."""
        return await self._read(
            f"SELECT {_COLUMNS} FROM stored_events WHERE originator_id = ? AND subject = ? AND originator_version > ? "
            "ORDER BY originator_version LIMIT ?",
            (stream, subject, after, limit),
        )

    async def last_topics(self, stream: str, subjects: Sequence[str]) -> dict[str, str]:
        """See `Store.last_topics`."""
        statement = (
            "SELECT value, (SELECT topic FROM stored_events WHERE originator_id = ? AND subject = value "
            "ORDER BY originator_version DESC LIMIT 1) AS last FROM json_each(?) WHERE last IS NOT NULL"
        )
        return dict(await self._select(statement, (stream, json.dumps(list(subjects)))))

    async def read_last(self, stream: str, subjects: Sequence[str], *, upto: int) -> list[Recorded]:
        """See `Store.read_last`."""
        return await self._read(
            f"SELECT {_COLUMNS} FROM json_each(?) CROSS JOIN stored_events WHERE originator_id = ? AND subject = value "
            "AND originator_version = (SELECT MAX(originator_version) FROM stored_events "
            "WHERE originator_id = ? AND subject = value AND originator_version <= ?)",
            (json.dumps(list(subjects)), stream, stream, upto),
        )

    async def tail(self, *, after: int, limit: int = 10_000) -> list[Mark]:
        """See `Store.tail`."""
        statement = (
            "SELECT max(rowid), originator_id, max(originator_version) FROM ("
            "SELECT rowid, originator_id, originator_version FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT ?"
            ") GROUP BY originator_id ORDER BY 1"
        )
        return [Mark._make(row) for row in await self._select(statement, (after, limit))]

    async def head(self, stream: str) -> int:
        """See `Store.head`."""
        rows = await self._select(
            "SELECT MAX(originator_version) FROM stored_events WHERE originator_id = ?", (stream,)
        )
        return rows[0][0] or 0

    async def last_position(self) -> int:
        """See `Store.last_position`."""
        return (await self._select("SELECT MAX(rowid) FROM stored_events", ()))[0][0] or 0

    async def wait(self, *, after: int, timeout_s: float) -> None:
        """See `Store.wait`; what other processes append is found when the time is over."""
        if self._known_position > after:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._appended.wait()
        except TimeoutError:
            pass

    async def _read(self, statement: str, parameters: Sequence[object]) -> list[Recorded]:
        return [Recorded._make(row) for row in await self._select(statement, parameters)]

    async def _select(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        return await self._run(self._reading, lambda: self._connection().execute(statement, parameters).fetchall())

    async def _run[T](self, threads: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if not self._open:
            raise StoreUnavailable("the store is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error

    def _append(self, batch: Sequence[Entry], *, resolve: bool) -> list[Outcome]:
        """On the writing thread: one transaction, all of it or nothing."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            work = Batch(connection, self._memory)
            outcomes = [work.resolve(entry) if resolve else work.add(entry) for entry in batch]
            work.insert()
        except BaseException:
            connection.rollback()
            self._memory.forget()
            raise
        self._commit(connection)
        return outcomes

    def _commit(self, connection: sqlite3.Connection) -> None:
        try:
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._memory.forget()
            if connection.in_transaction:
                connection.rollback()
            raise OutcomeUnknown(str(error)) from error

    def _prepare(self) -> None:
        try:
            connection = self._connection()
            check_durable(connection, self._path)
            connection.execute("BEGIN IMMEDIATE")
            for statement in self.create_table_statements:
                connection.execute(statement)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error

    def _connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = connect(self._path)
            self._connections.append(connection)
        return connection
