"""Who types in which room: for a few seconds after they last did, told at most once a second, and never kept."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from realtime.encoding import encode
from realtime.gathering import Gathering
from realtime.notice import AT_MOST_EVERY_S, Notice
from realtime.server_frames import Somebody, TypingFrame

TYPES_S = 5.0
MAX_TYPISTS = 10
"""In one room; further ones are not noticed until there are fewer."""
PER_S = 2500
"""So many sockets of a room are told a second who types there."""


class Exchange(Protocol):
    """How the processes of a deployment tell each other who types. Nothing waits, and nothing raises."""

    def say_typing(self, room: str, who: list[tuple[str, str]]) -> None:
        """Say that these (person, handle) type."""


class Typing:
    """Who types in one room: until when, and whom of them the other processes are to be told of."""

    __slots__ = ("handles", "notice", "said_at", "shown", "unsaid", "until")

    def __init__(self) -> None:
        self.until: dict[str, float] = {}
        self.handles: dict[str, str] = {}
        self.shown: frozenset[str] = frozenset()
        self.unsaid: set[str] = set()
        self.said_at = float("-inf")
        self.notice = Notice(PER_S)

    def add(self, who: Somebody, until: float) -> bool:
        """Somebody types; answers whether there is room for them."""
        if who.person not in self.until and len(self.until) >= MAX_TYPISTS:
            return False
        self.until[who.person] = until
        self.handles[who.person] = who.handle
        return True

    def remove(self, person: str) -> None:
        """Somebody does not type any more."""
        self.until.pop(person, None)
        self.handles.pop(person, None)
        self.unsaid.discard(person)


class Typists:
    """Who types where. `beat` is to be called every BEAT_S."""

    def __init__(self, exchange: Exchange | None) -> None:
        self._exchange = exchange
        self._rooms: dict[str, Typing] = {}
        self.frames = 0

    @property
    def rooms(self) -> int:
        """Rooms in which somebody types, or did a moment ago."""
        return len(self._rooms)

    def add(self, room: str, who: Somebody, now: float) -> None:
        """Somebody types by a socket of this process."""
        typing = self._rooms.setdefault(room, Typing())
        if typing.add(who, now + TYPES_S) and self._exchange:
            typing.unsaid.add(who.person)

    def hear(self, room: str, who: Iterable[tuple[str, str]], now: float) -> None:
        """Some type by sockets of another process."""
        typing = self._rooms.setdefault(room, Typing())
        for person, handle in who:
            typing.add(Somebody(person=person, handle=handle), now + TYPES_S)

    def remove(self, room: str, person: str) -> None:
        """Somebody posted, or is not here any more."""
        if typing := self._rooms.get(room):
            typing.remove(person)

    def forget(self, person: str) -> None:
        """Somebody was erased."""
        for typing in self._rooms.values():
            typing.remove(person)

    def beat(self, gatherings: Mapping[str, Gathering], now: float) -> None:
        """Tell what is due to those who are in the rooms."""
        for room, typing in list(self._rooms.items()):
            for person in [person for person, until in typing.until.items() if until <= now]:
                typing.remove(person)
            self._say(room, typing, now)
            gathering = gatherings.get(room)
            if gathering is None or self._show(gathering, typing, now):
                del self._rooms[room]

    def _say(self, room: str, typing: Typing, now: float) -> None:
        """Tell the other processes, who let it end by themselves."""
        if typing.unsaid and self._exchange and now - typing.said_at >= AT_MOST_EVERY_S:
            self._exchange.say_typing(room, [(person, typing.handles[person]) for person in typing.unsaid])
            typing.unsaid.clear()
            typing.said_at = now

    def _show(self, gathering: Gathering, typing: Typing, now: float) -> bool:
        """Tell the room, if something changed and it is time; answers whether nothing is left to tell."""
        notice, who = typing.notice, frozenset(typing.until)
        is_due = notice.is_due(now, len(gathering.ears))
        if who != typing.shown and is_due:
            unmoved = {person for person in who | typing.shown if who - {person} == typing.shown - {person}}
            ears = [ear for ear, person in gathering.ears.items() if person not in unmoved]
            notice.post(_frame(gathering.room, typing), ears, now)
            typing.shown = who
        self.frames += notice.serve()
        return not (who or typing.shown or notice.is_owed) and is_due


def _frame(room: str, typing: Typing) -> bytes:
    who = [Somebody(person=person, handle=typing.handles[person]) for person in typing.until]
    return encode(TypingFrame(room=room, who=who))
