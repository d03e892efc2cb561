"""The history: every message in wire form, as it is and as it was before each change, and what its room was called."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from commands.days import begin_of
from commands.events import Event, MessageEdited, MessagePosted, MessageRedacted, RoomChanged, RoomOpened
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
type Timed = tuple[Fact, int]
"""An event, and the room's time with it: the largest `occurred_at` so far."""


class Kept(msgspec.Struct, frozen=True, gc=False):
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
        news: dict[str, list[Timed]] = {}
        for room, those in rooms.items():
            news[room], reached[room] = _news(those, *reached.get(room, (0, 0, 0)))
        changes = Changes(_stored(news))
        for room, timed in news.items():
            changes.take(room, timed)
        insert(ITEMS, changes.new)
        upsert(ITEMS, changes.changed)
        insert(PAST, changes.past)
        insert(TEXTS, changes.texts)
        delete_under(TEXTS, changes.redacted)
        upsert(TITLES, changes.titles)
        upsert(ROOMS, [(room, *reached[room]) for room in rooms])
        for recorded, event, _ in facts:
            if recorded.topic == ERASED:
                forget_person(person_of(recorded.subject))
            elif isinstance(event, RoomExpired):
                forget_days(event.room, begin_of(event.before))


class Changes:
    """What events make of the messages that they are about, as rows; `stored` are those that are there, by room and id.

    `new` has a row for each message that was posted, `changed` for each that was there before and is different now;
    `past` one for each change of a message: what it was before; `texts` one for each edit: what it said; `titles` one
    for each new title or topic. `redacted` are the rooms and seqs of those that say nothing any more.
    """

    def __init__(self, stored: dict[str, dict[str, Kept]]) -> None:
        self.new: list[Row] = []
        self.changed: list[Row] = []
        self.past: list[Row] = []
        self.texts: list[Row] = []
        self.titles: list[Row] = []
        self.redacted: list[tuple[str, int]] = []
        self._stored = stored
        self._known: dict[str, Kept] = {}
        self._posted: dict[str, None] = {}
        self._changed: dict[str, None] = {}

    def take(self, room: str, news: Sequence[Timed]) -> None:
        """Take in all new events of a room. Raises: CannotApply.

        A room at a time: its few messages are made, changed and written before they leave the processor's cache.
        """
        self._known = self._stored.pop(room, {})
        self._posted, self._changed = {}, {}
        for fact, time in news:
            event = fact.event
            if isinstance(event, MessagePosted):
                self._post(fact, event, time)
            elif (message_id := items.changed_by(event)) is not None:
                self._change(message_id, fact, time)
            elif isinstance(event, _NAMING):
                self.titles += _titles(fact, time)
        self.new += [self._known[message_id].row() for message_id in self._posted]
        self.changed += [self._known[message_id].row() for message_id in self._changed]

    def _post(self, fact: Fact, event: MessagePosted, time: int) -> None:
        thread = None if event.reply_to is None else self._join(event.reply_to)
        self._known[event.message_id] = Kept(items.posted(fact, event), time, thread)
        self._posted[event.message_id] = None

    def _join(self, message_id: str) -> str:
        """The thread of the message that somebody replies to; the first reply begins it."""
        replied_to = self._known.get(message_id)
        if replied_to is None:
            raise CannotApply(f"somebody replies to {message_id}, which is not there")
        thread = replied_to.thread or message_id
        self._keep(message_id, Kept(replied_to.item, replied_to.room_time, thread))
        return thread

    def _change(self, message_id: str, fact: Fact, time: int) -> None:
        before = self._known.get(message_id)
        room, until_seq = fact.recorded.stream, fact.recorded.seq
        if before is None:
            raise CannotApply(f"event {until_seq} of {room} is about a message that is not there")
        seq = before.item.seq
        self.past.append((room, seq, until_seq, time, items.encode(items.without_text(before.item))))
        if isinstance(fact.event, MessageEdited) and before.item.message is not None:
            self.texts.append((room, seq, until_seq, before.item.message))
        if isinstance(fact.event, MessageRedacted):
            self.redacted.append((room, seq))
        self._keep(message_id, Kept(items.change(before.item, fact), before.room_time, before.thread))

    def _keep(self, message_id: str, kept: Kept) -> None:
        self._known[message_id] = kept
        if message_id not in self._posted:
            self._changed[message_id] = None


def _news(facts: Sequence[Fact], head: int, time: int, over: int) -> tuple[list[Timed], tuple[int, int, int]]:
    """What of a room's events is new, and where the room is with it: its head, its time, and what is over in it.

    Raises: CannotApply.
    """
    news: list[Timed] = []
    for fact in facts:
        if fact.recorded.seq > head and fact.event is not None:
            check_next(fact, head)
            head, time = fact.recorded.seq, max(time, fact.event.occurred_at)
            is_over = fact.event.occurred_at < over
            news.append((fact._replace(stub="erased") if is_over else fact, time))
    return news, (head, time, over)


def _stored(news: Mapping[str, Sequence[Timed]]) -> dict[str, dict[str, Kept]]:
    """Those messages that these events change or reply to, as the table has them, by room and id."""
    keys: dict[Key, None] = {}
    for room, timed in news.items():
        keys |= {(room, message_id): None for fact, _ in timed if (message_id := _needs(fact.event)) is not None}
    stored: dict[str, dict[str, Kept]] = defaultdict(dict)
    for room, _, message_id, time, thread, _, item in select_pairs(ITEMS, ("room", "message_id"), list(keys)):
        stored[room][message_id] = Kept(items.decode(bytes(item)), time, thread)
    return stored


def _needs(event: Event | None) -> str | None:
    """The id of the message that an event changes or replies to, if it does either."""
    return event.reply_to if isinstance(event, MessagePosted) else items.changed_by(event)


def _titles(fact: Fact, time: int) -> Iterator[Row]:
    """What a room is called after an event that names it."""
    named = fact.event.data if fact.event else {}
    for what in ("title", "topic"):
        if what in named:
            yield fact.recorded.stream, what, fact.recorded.seq, time, named[what]
