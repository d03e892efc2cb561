"""How far each projection has come, and the rooms that it set aside. Synchronous, on Django's connection."""

from collections.abc import Sequence
from typing import cast

from django.db import connection

from commands.clock import now_ms
from commands.subscription import Fact
from projections.projection import CannotApply
from projections.rows import Table, upsert

PARTITION = 0
PARKED = Table(
    "parked_room",
    {
        "projection": "text",
        "room": "text",
        "seq": "bigint",
        "position": "bigint",
        "error": "text",
        "since": "bigint",
    },
    keys=2,
)


class LostLead(Exception):
    """Somebody else moved the checkpoint: this runner leads no longer."""


def load(projection: str) -> int:
    """The position of a projection's checkpoint, made at 0 if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO checkpoint (projection, partition, position, heartbeat_at) VALUES (%s, %s, 0, %s) "
            "ON CONFLICT (projection, partition) DO NOTHING",
            [projection, PARTITION, now_ms()],
        )
        cursor.execute(
            "SELECT position FROM checkpoint WHERE projection = %s AND partition = %s", [projection, PARTITION]
        )
        row = cursor.fetchone()
    assert row is not None
    return cast("int", row[0])


def move(projection: str, was: int, position: int) -> None:
    """Move a checkpoint if it still is where this runner left it. Raises: LostLead."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE checkpoint SET position = %s, heartbeat_at = %s "
            "WHERE projection = %s AND partition = %s AND position = %s",
            [position, now_ms(), projection, PARTITION, was],
        )
        if cursor.rowcount != 1:
            raise LostLead(projection)


def position(projection: str, *, lock: bool = False) -> int:
    """The position of a projection's checkpoint, 0 if there is none.

    With `lock` nobody moves it until this transaction ends; on SQLite a transaction has all for itself anyway.
    """
    for_update = " FOR UPDATE" if lock and connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT position FROM checkpoint WHERE projection = %s AND partition = %s{for_update}",
            [projection, PARTITION],
        )
        row = cursor.fetchone()
    return cast("int", row[0]) if row else 0


def park(projection: str, fact: Fact, error: Exception) -> None:
    """Set a room aside, from this event on. Only our own words are kept: others may quote a message."""
    row = fact.recorded
    reason = str(error) if isinstance(error, CannotApply) else type(error).__name__
    upsert(PARKED, [(projection, row.stream, row.seq, row.position, reason, now_ms())])


def parked(projection: str) -> set[str]:
    """The rooms that a projection set aside."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT room FROM parked_room WHERE projection = %s", [projection])
        return {row[0] for row in cursor.fetchall()}


def unpark(projection: str, room: str) -> None:
    """A room is followed again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM parked_room WHERE projection = %s AND room = %s", [projection, room])


def exchange_parked(projection: str, other: str) -> None:
    """Give each the other's parked rooms."""
    with connection.cursor() as cursor:
        for source, target in ((projection, "passing"), (other, projection), ("passing", other)):
            cursor.execute("UPDATE parked_room SET projection = %s WHERE projection = %s", [target, source])


def empty(projection: str, tables: Sequence[str]) -> None:
    """Forget what a projection wrote, so that it begins again at position 0."""
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")  # a projection's own table names
        cursor.execute("DELETE FROM parked_room WHERE projection = %s", [projection])
        cursor.execute("DELETE FROM checkpoint WHERE projection = %s", [projection])
