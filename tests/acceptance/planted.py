"""A small faultless history, and the words to plant a fault in it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.acceptance.history import Acknowledged, Mended, Read, Record, Seen, Sent, Struck, Subscribed
from tests.acceptance.promises import Line, Logged, View
from tests.cast import ADA, GENERAL, GRACE


def sent(name: str, person: str = ADA, *, connection: str = "a") -> Sent:
    message = f"say {name}"
    return Sent(connection=connection, person=person, room=GENERAL, client_msg_id=name, message=message)


def acked(name: str, seq: int, *, person: str = ADA, duplicate: bool = False, connection: str = "a") -> Acknowledged:
    return Acknowledged(
        connection=connection,
        person=person,
        room=GENERAL,
        client_msg_id=name,
        message_id=f"id-{name}",
        seq=seq,
        position=seq * 10,
        duplicate=duplicate,
    )


def subscribed(after: int) -> Subscribed:
    return Subscribed(watcher="w", room=GENERAL, after=after)


def seen(seq: int, name: str | None) -> Seen:
    message_id, message = (f"id-{name}", f"say {name}") if name else (None, None)
    return Seen(watcher="w", room=GENERAL, seq=seq, position=seq * 10, message_id=message_id, message=message)


def page(head_seq: int, *names: str, min_position: int | None = None) -> Read:
    """The newest two of a room whose messages begin at seq 2."""
    items = list(enumerate((f"id-{name}" for name in names), start=head_seq - len(names) + 1))
    return Read(
        reader="r",
        room=GENERAL,
        min_position=min_position,
        limit=2,
        head_seq=head_seq,
        position=head_seq * 10,
        items=items,
    )


def logged(seq: int, name: str, person: str = ADA) -> Logged:
    return Logged(seq * 10, GENERAL, seq, person, f"id-{name}", name, f"say {name}")


LOG = [Logged(10, GENERAL, 1, ADA), logged(2, "one"), logged(3, "two"), logged(4, "three", GRACE)]
LINES = [Line(1, 10), *(Line(event.seq, event.position, event.message_id, event.message) for event in LOG[1:])]
VIEWS = [
    View("history", GENERAL, LINES[1:]),
    View("stream", GENERAL, LINES, "events"),
    View("table", GENERAL, [Line(line.seq, line.position) for line in LINES], "places"),
]


def at_times(records: Iterable[Record]) -> list[Record]:
    """The records, a second between each."""
    return [msgspec.structs.replace(record, at=float(second)) for second, record in enumerate(records)]


RECORDS = at_times(
    [
        subscribed(0),
        sent("one"),
        sent("two"),
        acked("one", 2),
        seen(1, None),
        seen(2, "one"),
        page(2, "one"),
        page(3, "one", "two", min_position=20),
        Struck(fault="kill -9", acknowledged=1),
        subscribed(2),
        Mended(fault="kill -9"),
        sent("two", connection="b"),
        acked("two", 3, duplicate=True, connection="b"),
        sent("three", GRACE),
        seen(3, "two"),
        seen(4, "three"),
        page(4, "two", "three", min_position=30),
    ]
)


def without(*kinds: type[Record]) -> list[Record]:
    return [record for record in RECORDS if not isinstance(record, kinds)]


def instead(old: Record, *new: Record) -> list[Record]:
    """The history with others in the place of one record."""
    return at_times(one for record in RECORDS for one in (new if is_like(record, old) else (record,)))


def is_like(record: Record, other: Record) -> bool:
    """Whether two records differ in their times at most."""
    return type(record) is type(other) and msgspec.structs.replace(other, at=record.at) == record


def log_without(seq: int) -> list[Logged]:
    return [event for event in LOG if event.seq != seq]


def changed(seq: int, **fields: Any) -> list[Logged]:
    return [event._replace(**fields) if event.seq == seq else event for event in LOG]
