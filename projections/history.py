"""The history: every message in wire form, as it is and as it was before each change, and what its room was called."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from commands.days import begin_of
from commands.events import MessageEdited, MessagePosted, MessageRedacted, RoomChanged, RoomOpened
from commands.people import ERASED, RoomExpired, person_of
from commands.subscription import Fact
from projections import items
from projections.history_tables import ITEMS, PAST, ROOMS, TEXTS, forget_days, forget_person
from projections.items import Item
from projections.projection import CannotApply, by_room, check_next
from projections.rows import Row, Table, delete_under, insert, select, select_pairs, upsert

TITLES = Table(
    "history_title",
    {"room": "text", "what": "text", "seq": "bigint", "room_time": "bigint", "text": "text"},
    keys=3,
)
_NAMING = (RoomOpened, RoomChanged)

type Key = tuple[str, str]
"""A message's room and id."""


class Timed(NamedTuple):
    """An event, and the room's time with it: the largest `occurred_at` so far."""

    fact: Fact
    time: int


class Kept(NamedTuple):
    """A message, the room's time when it was posted, and the message that began its thread."""

    item: Item
    room_time: int
    thread: str | None = None

    def row(self) -> Row:
        """As it is stored."""
        item = self.item
        return item.room, item.seq, item.message_id, self.room_time, self.thread, item.author.id, items.encode(item)


class History:
    """Projects every message, in its place in its room, as it is now and as it was before each change."""

    name = "history"
    tables = (ROOMS.name, TITLES.name, ITEMS.name, PAST.name, TEXTS.name)
    unkeyed = ()
    repeating = ()
    parks = True
    can_wait = False

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`. Reads and writes as often for many events as for one.

        An event is new to its room or left out, so that what it makes is not there yet.
        """
        rooms = by_room(facts)
        reached = {room: (head, time, over) for room, head, time, over in select(ROOMS, "room", list(rooms))}
        news: list[Timed] = []
        for room, those in rooms.items():
            head, time, over = reached.get(room, (0, 0, 0))
            for fact in those:
                if fact.recorded.seq > head and fact.event is not None:
                    check_next(fact, head)
                    head, time = fact.recorded.seq, max(time, fact.event.occurred_at)
                    is_over = fact.event.occurred_at < over
                    news.append(Timed(fact._replace(stub="erased") if is_over else fact, time))
            reached[room] = (head, time, over)
        changes = Changes(news)
        insert(ITEMS, changes.new_rows())
        upsert(ITEMS, changes.changed_rows())
        insert(PAST, changes.past)
        insert(TEXTS, changes.texts)
        delete_under(TEXTS, changes.redacted)
        upsert(TITLES, [row for timed in news if isinstance(timed.fact.event, _NAMING) for row in _titles(timed)])
        upsert(ROOMS, [(room, *reached[room]) for room in rooms])
        for recorded, event, _ in facts:
            if recorded.topic == ERASED:
                forget_person(person_of(recorded.subject))
            elif isinstance(event, RoomExpired):
                forget_days(event.room, begin_of(event.before))


class Changes:
    """What events make of the messages that they are about. Raises: CannotApply.

    `past` has a row for each change of a message: what it was before; `texts` one for each edit: what it said.
    `redacted` are the rooms and seqs of those that say nothing any more.
    """

    def __init__(self, news: Sequence[Timed]) -> None:
        self.past: list[Row] = []
        self.texts: list[Row] = []
        self.redacted: list[tuple[str, int]] = []
        self._known = _stored(news)
        self._posted: dict[Key, None] = {}
        self._changed: dict[Key, None] = {}
        for fact, time in news:
            if isinstance(fact.event, MessagePosted):
                self._post(fact, fact.event, time)
            elif (key := _changes(fact)) is not None:
                self._change(key, fact, time)

    def new_rows(self) -> list[Row]:
        """The messages that were posted, as they are after all of it."""
        return [self._known[key].row() for key in self._posted]

    def changed_rows(self) -> list[Row]:
        """The messages that were there before, and changed."""
        return [self._known[key].row() for key in self._changed]

    def _post(self, fact: Fact, event: MessagePosted, time: int) -> None:
        room = fact.recorded.stream
        thread = None if event.reply_to is None else self._join((room, event.reply_to))
        key = (room, event.message_id)
        self._known[key] = Kept(items.posted(fact, event), time, thread)
        self._posted[key] = None

    def _join(self, key: Key) -> str:
        """The thread of the message that somebody replies to; the first reply begins it."""
        replied_to = self._known.get(key)
        if replied_to is None:
            raise CannotApply(f"somebody replies to {key[1]}, which is not there")
        thread = replied_to.thread or replied_to.item.message_id
        self._keep(key, replied_to._replace(thread=thread))
        return thread

    def _change(self, key: Key, fact: Fact, time: int) -> None:
        before = self._known.get(key)
        if before is None:
            raise CannotApply(f"event {fact.recorded.seq} of {key[0]} is about a message that is not there")
        room, seq, until_seq = key[0], before.item.seq, fact.recorded.seq
        self.past.append((room, seq, until_seq, time, items.encode(items.without_text(before.item))))
        if isinstance(fact.event, MessageEdited) and before.item.message is not None:
            self.texts.append((room, seq, until_seq, before.item.message))
        if isinstance(fact.event, MessageRedacted):
            self.redacted.append((room, seq))
        self._keep(key, before._replace(item=items.change(before.item, fact)))

    def _keep(self, key: Key, kept: Kept) -> None:
        self._known[key] = kept
        if key not in self._posted:
            self._changed[key] = None


def _stored(news: Sequence[Timed]) -> dict[Key, Kept]:
    """Those messages that these events change or reply to, as the table has them."""
    keys = dict.fromkeys(key for fact, _ in news if (key := _needs(fact)) is not None)
    rows = select_pairs(ITEMS, ("room", "message_id"), list(keys))
    return {
        (room, message_id): Kept(items.decode(bytes(item)), time, thread)
        for room, _, message_id, time, thread, _, item in rows
    }


def _changes(fact: Fact) -> Key | None:
    """Which message an event changes, if it changes one."""
    message_id = items.changed_by(fact.event)
    return None if message_id is None else (fact.recorded.stream, message_id)


def _needs(fact: Fact) -> Key | None:
    """Which message an event changes or replies to, if it does either."""
    event = fact.event
    message_id = event.reply_to if isinstance(event, MessagePosted) else items.changed_by(event)
    return None if message_id is None else (fact.recorded.stream, message_id)


def _titles(timed: Timed) -> Iterator[Row]:
    """What a room is called after an event that names it."""
    (recorded, event, _), time = timed
    named = event.data if event else {}
    for what in ("title", "topic"):
        if what in named:
            yield recorded.stream, what, recorded.seq, time, named[what]
