"""The room directory: one row for every room, with its rules and its latest activity."""

from collections.abc import Sequence

import msgspec

from commands.days import day_of
from commands.events import MessagePosted, RoomChanged, RoomOpened
from commands.subscription import Fact
from projections.projection import by_room, check_next
from projections.rows import Table, select, upsert

TABLE = Table(
    "directory_room",
    {
        "room": "text",
        "title": "text",
        "topic": "text",
        "visibility": "text",
        "archived": "boolean",
        "slow_mode_s": "integer",
        "owner": "text",
        "opened_at": "bigint",
        "head_seq": "bigint",
        "message_count": "bigint",
        "last_message_at": "bigint",
        "retain_days": "integer",
        "retained_since": "text",
    },
)


class Listed(msgspec.Struct, array_like=True):
    """A row of the directory while events are applied to it."""

    room: str
    title: str = ""
    topic: str = ""
    visibility: str = "public"
    archived: bool = False
    slow_mode_s: int = 0
    owner: str = ""
    opened_at: int = 0
    head_seq: int = 0
    message_count: int = 0
    last_message_at: int | None = None
    retain_days: int = 0
    retained_since: str = ""

    def apply(self, fact: Fact) -> None:
        """Take one more event in; one that was taken already changes nothing."""
        if fact.recorded.seq <= self.head_seq:
            return
        check_next(fact, self.head_seq)
        self.head_seq = fact.recorded.seq
        match fact.event:
            case RoomOpened() as opened:
                self.title, self.visibility = opened.title, opened.visibility
                self.owner, self.opened_at = opened.actor, opened.occurred_at
            case RoomChanged() as changed:
                for name, value in changed.data.items():
                    setattr(self, name, value)
                if changed.retain_days and not self.retained_since:
                    self.retained_since = day_of(changed.occurred_at)
            case MessagePosted() as posted:
                self.message_count += 1
                self.last_message_at = max(self.last_message_at or 0, posted.occurred_at)


class Directory:
    """Projects every room's rules and activity."""

    name = "directory"
    tables = (TABLE.name,)
    unkeyed = ()
    repeating = ()
    parks = True
    can_wait = False

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`."""
        rooms = by_room(facts)
        listed = {row[0]: Listed(*row) for row in select(TABLE, "room", list(rooms))}
        for room, news in rooms.items():
            entry = listed.setdefault(room, Listed(room))
            for fact in news:
                entry.apply(fact)
        upsert(TABLE, [msgspec.structs.astuple(listed[room]) for room in rooms])
