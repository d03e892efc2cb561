"""The tables of the history, and what is taken out of them again: of somebody who was erased, of days that are over."""

from collections.abc import Sequence
from typing import Any

from commands.clock import Milliseconds, rfc3339
from commands.days import DAY_MS
from projections import items
from projections.rows import Row, Table, delete_under, select, select_after, select_under, upsert

ROOMS = Table("history_room", {"room": "text", "head_seq": "bigint", "room_time": "bigint", "over_before": "bigint"})
ITEMS = Table(
    "history_item",
    {
        "room": "text",
        "seq": "bigint",
        "message_id": "text",
        "room_time": "bigint",
        "thread": "text",
        "author": "text",
        "item": "bytea",
    },
    keys=2,
)
PAST = Table(
    "history_past",
    {"room": "text", "seq": "bigint", "until_seq": "bigint", "until_time": "bigint", "item": "bytea"},
    keys=3,
)
TEXTS = Table(
    "history_text",
    {"room": "text", "seq": "bigint", "until_seq": "bigint", "text": "text"},
    keys=3,
)

FORGET = 1000
"""Messages that are looked at, and forgotten, at a time."""


def forget_person(person: str) -> None:
    """Leave of a person's messages what a rebuild leaves of them when the key is gone. Again, it changes nothing.

    A page at a time: what it costs grows with what they wrote.
    """
    after = ("", 0)
    while rows := select_after(ITEMS, ("author", person), ("room", "seq"), after, FORGET):
        _forget(rows)
        after = (rows[-1][0], rows[-1][1])


def forget_days(room: str, before: Milliseconds) -> None:
    """Leave of what was said in a room before a time what is left of somebody who was erased.

    A room's time may be ahead of a message's, where servers' clocks differ: by less than a day. What was forgotten
    before is not looked at again. What comes later, as of a room that was parked, comes without.
    """
    [(_, head, time, over)] = select(ROOMS, "room", [room]) or [(room, 0, 0, 0)]
    after, more = (over - DAY_MS, -1), True
    while more and (rows := select_after(ITEMS, ("room", room), ("room_time", "seq"), after, FORGET)):
        _forget([row for row in rows if items.is_before(bytes(row[-1]), rfc3339(before))])
        after = (rows[-1][3], rows[-1][1])
        more = after[0] < before + DAY_MS
    upsert(ROOMS, [(room, head, time, max(over, before))])


def _forget(rows: Sequence[Row]) -> None:
    keys = [(row[0], row[1]) for row in rows]
    upsert(ITEMS, [(*row[:-1], _without_person(row[-1])) for row in rows])
    upsert(PAST, [(*row[:-1], _without_person(row[-1])) for row in select_under(PAST, keys)])
    delete_under(TEXTS, keys)


def _without_person(encoded: Any) -> bytes:
    return items.encode(items.without_person(items.decode(bytes(encoded))))
