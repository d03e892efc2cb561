"""The history: one row for every message, with the item in wire form, and how far each room has come."""

from collections.abc import Sequence

import msgspec

from commands.clock import rfc3339
from commands.events import MessagePosted
from commands.subscription import Fact, Recorded
from projections.projection import by_room, check_next
from projections.rows import Row, Table, select, upsert

ROOMS = Table("history_room", {"room": "text", "head_seq": "bigint", "room_time": "bigint"})
ITEMS = Table(
    "history_item",
    {"room": "text", "seq": "bigint", "message_id": "text", "room_time": "bigint", "item": "bytea"},
    keys=2,
)
_encode = msgspec.json.Encoder().encode


class Author(msgspec.Struct, frozen=True):
    """Who wrote a message, and what they were called in it."""

    id: str
    kind: str
    handle: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A message as REST sends it; the field order is the contract's."""

    message_id: str
    room: str
    seq: int
    position: int
    author: Author
    message: str | None
    created_at: str
    edited_at: str | None = None
    redacted: bool = False
    reply_to: str | None = None
    reactions: dict[str, int] = {}
    seq_changed: int


class History:
    """Projects every message, in its place in its room."""

    name = "history"
    tables = (ROOMS.name, ITEMS.name)

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`."""
        rooms = by_room(facts)
        reached = {room: (head, time) for room, head, time in select(ROOMS, "room", list(rooms))}
        items: list[Row] = []
        for room, news in rooms.items():
            head, time = reached.get(room, (0, 0))
            for fact in news:
                if fact.recorded.seq > head and fact.event is not None:
                    check_next(fact, head)
                    head, time = fact.recorded.seq, max(time, fact.event.occurred_at)
                    if isinstance(fact.event, MessagePosted):
                        items.append(_row(fact.recorded, fact.event, time, erased=fact.stub == "erased"))
            reached[room] = (head, time)
        upsert(ITEMS, items)
        upsert(ROOMS, [(room, *reached[room]) for room in rooms])


def _row(recorded: Recorded, posted: MessagePosted, room_time: int, *, erased: bool) -> Row:
    item = Item(
        message_id=posted.message_id,
        room=recorded.stream,
        seq=recorded.seq,
        position=recorded.position,
        author=Author(posted.actor, posted.actor.partition(":")[0], "" if erased else posted.handle),
        message=None if erased else posted.message,
        created_at=rfc3339(posted.occurred_at),
        redacted=erased,
        reply_to=posted.reply_to,
        seq_changed=recorded.seq,
    )
    return recorded.stream, recorded.seq, posted.message_id, room_time, _encode(item)
