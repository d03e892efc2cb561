"""Days, in UTC, and the keys of a room's days: what is kept for so many days is sealed with one of them as well."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from commands.clock import Milliseconds

DAY_MS: Milliseconds = 86_400_000
LONG_OVER = "over"
"""In place of its day in an event that was put back when that was over already: there never was a key for it."""


def day_of(unix_ms: Milliseconds) -> str:
    """The day of a time: `2026-11-27`."""
    return datetime.fromtimestamp(unix_ms // 1000, UTC).date().isoformat()


def begin_of(day: str) -> Milliseconds:
    """When a day begins. Raises: ValueError for what is none, or is not written as `day_of` writes it."""
    begin = date.fromisoformat(day)
    if begin.isoformat() != day:
        raise ValueError(f"a day is written {begin}, not {day}")
    return int(datetime(begin.year, begin.month, begin.day, tzinfo=UTC).timestamp()) * 1000


def before(day: str, days: int) -> str:
    """The day so many days earlier."""
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def day_key(room: str, day: str) -> str:
    """The name under which the key of a room's day is kept, which no person can have."""
    return f"day:{room}:{day}"


def day_keys(room: str, since: str, until: str) -> Iterator[str]:
    """The names of the keys of a room's days from one day on, and before another."""
    day = date.fromisoformat(since)
    while day < date.fromisoformat(until):
        yield day_key(room, day.isoformat())
        day += timedelta(days=1)
