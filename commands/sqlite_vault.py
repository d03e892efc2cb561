"""People's keys on SQLite: a file of their own, so that they can be backed up, and destroyed, apart from the log."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from commands.sqlite_connection import check_durable, connect, truncate_wal
from commands.store import StoreUnavailable

_TABLE = "CREATE TABLE IF NOT EXISTS person_keys (person TEXT PRIMARY KEY, wrapped BLOB, created_at INTEGER NOT NULL)"
_DESTROY = (
    "INSERT INTO person_keys VALUES (?, NULL, ?) ON CONFLICT (person) DO UPDATE SET wrapped = NULL "
    "WHERE wrapped IS NOT NULL"
)


class SQLiteVault:
    """The `KeyVault` in one SQLite file, as durable as the store."""

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="vault")
        self._connection: sqlite3.Connection | None = None
        self._is_cut = False

    async def open(self) -> None:
        """Raises: NotDurable, StoreUnavailable."""
        await self._run(self._prepare)

    async def close(self) -> None:
        """Close the file."""
        self._thread.shutdown()
        if self._connection:
            self._connection.close()

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        """See `KeyVault.read`. Raises: StoreUnavailable."""
        return await self._run(self._read, persons)

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        """See `KeyVault.add`. Raises: StoreUnavailable."""
        return await self._run(self._add, keys)

    async def destroy(self, persons: Sequence[str]) -> None:
        """See `KeyVault.destroy`. Raises: StoreUnavailable, also while somebody reads the file without a pause."""
        await self._run(self._destroy, persons)

    async def _run[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: work(*args, **kwargs))
        except (sqlite3.Error, RuntimeError) as error:
            raise StoreUnavailable(str(error)) from error

    def _prepare(self) -> None:
        self._connection = connect(self._path)
        check_durable(self._connection, self._path)
        self._connection.execute(_TABLE)
        self._connection.execute("PRAGMA wal_autocheckpoint=100")
        self._is_cut = truncate_wal(self._connection)

    def _read(self, persons: Sequence[str]) -> dict[str, bytes | None]:
        assert self._connection is not None
        found: dict[str, bytes | None] = {}
        for person in persons:
            row = self._connection.execute("SELECT wrapped FROM person_keys WHERE person = ?", (person,)).fetchone()
            if row:
                found[person] = row[0]
        return found

    def _add(self, keys: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
        assert self._connection is not None
        now = int(time.time())
        statement = "INSERT INTO person_keys VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            self._connection.executemany(statement, [(person, wrapped, now) for person, wrapped in keys.items()])
        return self._read(list(keys))

    def _destroy(self, persons: Sequence[str]) -> None:
        """SQLite overwrites what it deletes (`secure_delete`); what is left is in the WAL, until that is cut off."""
        assert self._connection is not None
        before, now = self._connection.total_changes, int(time.time())
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            self._connection.executemany(_DESTROY, [(person, now) for person in persons])
        self._is_cut &= self._connection.total_changes == before
        if not self._is_cut:
            self._is_cut = truncate_wal(self._connection)
        if not self._is_cut:
            raise StoreUnavailable(f"{self._path}: somebody reads it without a pause")
