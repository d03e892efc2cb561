"""One statement on Django's connection of this thread."""

from collections.abc import Sequence
from typing import Any

from django.db import connection


def run(statement: str, parameters: Sequence[Any] | None = None) -> None:
    """Run it."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def rows(statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    """Run it, and answer its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def truncate_wal() -> bool:
    """On SQLite, leave nothing in the WAL of what was overwritten; False while somebody reads what it replaces."""
    return connection.vendor != "sqlite" or rows("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0


def disconnect() -> None:
    """Close it."""
    connection.close()
