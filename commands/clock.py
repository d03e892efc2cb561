"""Times: Unix milliseconds inside, RFC 3339 in UTC with milliseconds outside."""

import re
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

Milliseconds = int

EARLIEST_MS: Milliseconds = -62_135_596_800_000
LATEST_MS: Milliseconds = 253_402_300_799_999
"""The beginning of the year 1 and the end of the year 9999, in UTC: the first and last times that can be written."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


def now_ms() -> Milliseconds:
    """The server's clock, Unix milliseconds."""
    return time.time_ns() // 1_000_000


@lru_cache(maxsize=4096)
def _to_the_minute(unix_minutes: int) -> str:
    day, minute = divmod(unix_minutes, 1440)
    return f"{(_EPOCH + timedelta(days=day)).date().isoformat()}T{minute // 60:02d}:{minute % 60:02d}"


_SECONDS = [f":{second:02d}" for second in range(60)]
_MILLISECONDS = [f".{ms:03d}Z" for ms in range(1000)]


def rfc3339(unix_ms: Milliseconds) -> str:
    """`2026-11-22T09:43:43.120Z`."""
    unix_s, ms = divmod(unix_ms, 1000)
    minutes, second = divmod(unix_s, 60)
    return _to_the_minute(minutes) + _SECONDS[second] + _MILLISECONDS[ms]


def from_rfc3339(text: str) -> Milliseconds:
    """Read a time with a zone; what can be read can be written by `rfc3339`.

    Raises: ValueError when it is not one, names no zone, or is in UTC not within the years 1 to 9999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time needs a zone, as in 2026-11-22T09:43:43.120Z")
    unix_ms = (moment - _EPOCH) // _MILLISECOND
    if not EARLIEST_MS <= unix_ms <= LATEST_MS:
        raise ValueError("the time must be within the years 1 to 9999 in UTC")
    return unix_ms


def moment(text: str) -> Milliseconds:
    """A time that somebody outside wrote, read strictly as RFC 3339. Raises: ValueError, which says how to write it."""
    try:
        return from_rfc3339(text if _TIME.fullmatch(text) else "")
    except (ValueError, OverflowError):
        raise ValueError("use a time with its zone, as in 2026-11-22T09:43:43.120Z") from None
