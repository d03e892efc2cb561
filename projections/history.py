"""The history: one row for every message, with the item in wire form, and how far each room has come."""

from collections.abc import Sequence
from typing import NamedTuple

from commands.events import MessagePosted
from commands.subscription import Fact
from projections import items
from projections.items import Item
from projections.projection import CannotApply, by_room, check_next
from projections.rows import Row, Table, select, select_pairs, upsert

ROOMS = Table("history_room", {"room": "text", "head_seq": "bigint", "room_time": "bigint"})
ITEMS = Table(
    "history_item",
    {"room": "text", "seq": "bigint", "message_id": "text", "room_time": "bigint", "item": "bytea"},
    keys=2,
)

type Key = tuple[str, str]
"""A message's room and id."""


class Kept(NamedTuple):
    """A message, and the room's time when it was posted."""

    item: Item
    room_time: int

    def row(self) -> Row:
        """As it is stored."""
        item = self.item
        return item.room, item.seq, item.message_id, self.room_time, items.encode(item)


class History:
    """Projects every message, in its place in its room, as it is now."""

    name = "history"
    tables = (ROOMS.name, ITEMS.name)

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`. Reads and writes as often for many events as for one."""
        rooms = by_room(facts)
        reached = {room: (head, time) for room, head, time in select(ROOMS, "room", list(rooms))}
        news: list[tuple[Fact, int]] = []
        for room, those in rooms.items():
            head, time = reached.get(room, (0, 0))
            for fact in those:
                if fact.recorded.seq > head and fact.event is not None:
                    check_next(fact, head)
                    head, time = fact.recorded.seq, max(time, fact.event.occurred_at)
                    news.append((fact, time))
            reached[room] = (head, time)
        upsert(ITEMS, [kept.row() for kept in _changed(news).values()])
        upsert(ROOMS, [(room, *reached[room]) for room in rooms])


def _changed(news: Sequence[tuple[Fact, int]]) -> dict[Key, Kept]:
    """The messages that these events made or changed, each as it is after them. Raises: CannotApply."""
    changed = _stored(news)
    for fact, time in news:
        if isinstance(fact.event, MessagePosted):
            changed[fact.recorded.stream, fact.event.message_id] = Kept(items.posted(fact, fact.event), time)
        elif (key := _changes(fact)) is not None:
            if key not in changed:
                raise CannotApply(f"event {fact.recorded.seq} of {key[0]} is about a message that is not there")
            changed[key] = changed[key]._replace(item=items.change(changed[key].item, fact))
    return changed


def _stored(news: Sequence[tuple[Fact, int]]) -> dict[Key, Kept]:
    """Those messages that these events change, as the table has them; those that they post are not there yet."""
    keys = dict.fromkeys(key for fact, _ in news if (key := _changes(fact)) is not None)
    rows = select_pairs(ITEMS, ("room", "message_id"), list(keys))
    return {(room, message_id): Kept(items.decode(bytes(item)), time) for room, _, message_id, time, item in rows}


def _changes(fact: Fact) -> Key | None:
    """Which message an event changes, if it changes one."""
    message_id = items.changed_by(fact.event)
    return None if message_id is None else (fact.recorded.stream, message_id)
