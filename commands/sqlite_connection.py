"""Connections to SQLite files whose commits survive power loss."""

import sqlite3
import time
from pathlib import Path
from typing import Any, NamedTuple, override

from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore

from commands.store import NotDurable

BUSY_TIMEOUT_MS = 5000


class _Pool(SQLiteConnectionPool):
    """The library's pool, with our PRAGMAs on every connection."""

    @override
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        set_pragmas(connection._sqlite_conn)  # noqa: SLF001  # the library has no hook for it
        return connection


class Datastore(SQLiteDatastore):
    """The library's datastore on our pool, for the tools that read a store through it."""

    @override
    def __init__(self, db_name: str, **options: Any) -> None:
        super().__init__(db_name, **options)
        self.pool.close()
        self.pool = _Pool(db_name=db_name)


class Files(NamedTuple):
    """Where a deployment keeps its log and people's keys."""

    events: Path
    keys: Path


def files_beside(database: str | Path) -> Files:
    """The log and the keys of the deployment whose read models are in this file."""
    path = Path(database)
    return Files(path.with_suffix(".events.sqlite3"), path.with_suffix(".keys.sqlite3"))


def connect(path: str) -> sqlite3.Connection:
    """A connection in autocommit mode that never trades durability for speed."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        set_pragmas(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def set_pragmas(connection: sqlite3.Connection) -> None:
    """WAL, FULL, and checkpoints left to whoever is paid for them."""
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}").fetchall()
    _enter_wal(connection)
    for pragma in (
        "synchronous=FULL",
        "wal_autocheckpoint=0",
        "cache_size=-32768",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Waits for others that do the same to a new file: for this switch SQLite itself does not (no busy handler)."""
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def truncate_wal(connection: sqlite3.Connection) -> bool:
    """Fold the WAL into the file and leave nothing in it; False while somebody reads what it replaces."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def check_durable(connection: sqlite3.Connection, path: str) -> None:
    """Raises: NotDurable."""
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    level = connection.execute("PRAGMA synchronous").fetchone()[0]
    if mode != "wal" or level < 2:
        raise NotDurable(f"{path}: SQLite must run with journal_mode=WAL and synchronous=FULL, not {mode} and {level}")
