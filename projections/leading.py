"""Who runs the projections: one leader, by a session lock on a connection of its own; the others stand by."""

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import IO
from zlib import crc32

import psycopg
from django.conf import settings
from django.db import connection

from commands.postgres_connection import conninfo
from projections.versions import key_beside

_SPACE = 0x76657270  # "verp": the lock's first key, so that nobody else's locks are met


class Lead:
    """The right to run projections. On SQLite, where one process has it all, it is always there."""

    def __init__(self, projections: Sequence[str]) -> None:
        self._projections = sorted(projections)
        self._session: psycopg.Connection | None = None

    def take(self) -> bool:
        """Whether the lead is ours now. The lock goes with its session, so that a killed leader holds nothing."""
        if connection.vendor != "postgresql" or self._session is not None:
            return True
        session = self._connect()
        for name in self._projections:
            taken = session.execute("SELECT pg_try_advisory_lock(%s, %s)", [_SPACE, _key(name)]).fetchone()
            if taken is None or not taken[0]:
                session.close()
                return False
        self._session = session
        return True

    def check(self) -> None:
        """Raises: psycopg.OperationalError when the session, and the lock with it, is gone."""
        if self._session is not None:
            self._session.execute("SELECT 1")

    def give_up(self) -> None:
        """Let another one lead."""
        if self._session is not None:
            self._session.close()
            self._session = None

    @staticmethod
    def _connect() -> psycopg.Connection:
        """Past a pooler, since a session lock needs a session."""
        return psycopg.connect(conninfo(settings.DIRECT_DATABASE_URL or settings.DATABASE_URL), autocommit=True)


def _key(name: str) -> int:
    """A lock's second key, a signed 32-bit integer."""
    return crc32(name.encode()) - 2**31


class Turn:
    """The right to work on versions beside these projections: of one process at a time, on PostgreSQL and on SQLite.

    It goes with its session, or its process, however that ends.
    """

    def __init__(self, projections: Sequence[str]) -> None:
        self._lead = Lead([key_beside(name) for name in projections])
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Whether it is ours now."""
        if connection.vendor == "postgresql":
            return self._lead.take()
        self._file = Path(settings.DATABASES["default"]["NAME"]).with_suffix(".rebuild.lock").open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def give_up(self) -> None:
        """Let another one have it."""
        self._lead.give_up()
        if self._file is not None:
            self._file.close()
