"""Who is in every room that has sockets in this process: told to the other processes, and shown to the room.

Changes are gathered: a room is shown who is there at most once a second, and only if that changed. What it costs grows
with the changes, not with the people.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple, Protocol

from realtime.encoding import encode
from realtime.gathering import Gathering
from realtime.lease import Claim, Lease, News
from realtime.notice import Ear
from realtime.server_frames import PresenceFrame, Somebody

GRACE_S = 5.0
"""How long somebody whose last socket closed is still here: a page that is loaded again does not make them flicker."""
MAX_PRESENT = 100
ROOMS_A_BEAT = 1000


class Exchange(Protocol):
    """How the processes of a deployment tell each other who is where. Nothing waits, and nothing raises."""

    process: str
    lease_s: float
    """How long what was said of a room counts."""

    def reaches(self, room: str) -> bool:
        """Whether what is said of a room would be taken at present."""

    def claim(self, room: str, claim: Claim, for_s: float) -> None:
        """Say who is here, which counts for so long."""

    def release(self, room: str, lease: str) -> None:
        """Say that nobody is left here."""


class Leaving(NamedTuple):
    """Somebody's last socket closed."""

    gone_at: float
    room: str
    person: str


class Presence:
    """Who is where. `beat` is to be called every BEAT_S; times are seconds of one clock that does not run backwards."""

    def __init__(self, exchange: Exchange | None) -> None:
        self._exchange = exchange
        self._renew_s = exchange.lease_s / 3 if exchange else 0.0
        self.gatherings: dict[str, Gathering] = {}
        self._unsettled: dict[str, None] = {}
        self._held: dict[str, float] = {}
        self._leaving: deque[Leaving] = deque()
        self.claims = self.news = self.frames = 0

    @property
    def rooms(self) -> int:
        """Rooms with people in this process."""
        return len(self.gatherings)

    @property
    def people(self) -> int:
        """People in this process, one who is in several rooms as often."""
        return sum(len(gathering.people) for gathering in self.gatherings.values())

    def enter(self, room: str, who: Somebody, ear: Ear | None) -> None:
        """Somebody came into a room by one more socket; `ear`, if it has one, hears who is there."""
        gathering = self.gatherings.get(room)
        if gathering is None:
            gathering = self._begin(room)
        if gathering.enter(who, ear):
            self._note(gathering, who.person, who.handle)
        self._unsettled[room] = None

    def leave(self, room: str, person: str, ear: Ear | None, now: float) -> bool:
        """A socket of theirs closed: with the last one they are gone after a while. Answers whether it was the last."""
        gathering = self.gatherings.get(room)
        if gathering is None or not gathering.leave(person, ear, now):
            return False
        self._leaving.append(Leaving(now + GRACE_S, room, person))
        return True

    def remove(self, room: str, person: str) -> None:
        """Somebody is not here any more, whatever sockets they have."""
        gathering = self.gatherings.get(room)
        if gathering and gathering.people.pop(person, None):
            self._note(gathering, person, None)
            self._unsettled[room] = None

    def hear(self, room: str, news: News) -> None:
        """The processes together know this of a room."""
        self.news += 1
        gathering = self.gatherings.get(room)
        if gathering and gathering.lease:
            gathering.is_stale |= gathering.lease.hear(news) or gathering.lease.news is None
            self._unsettled[room] = None

    def beat(self, now: float) -> Iterable[tuple[str, str]]:
        """Tell and show what is due; answers who left which room, as (room, person)."""
        gone = self._let_go(now)
        self._renew(now)
        for room in list(islice(self._unsettled, ROOMS_A_BEAT)):
            del self._unsettled[room]
            if not self._settle(self.gatherings[room], now):
                self._unsettled[room] = None
        return gone

    def stop(self) -> None:
        """The process goes: its people have as long to come back elsewhere as they have after a closed socket."""
        for room, gathering in self.gatherings.items():
            if self._exchange and gathering.lease and self._exchange.reaches(room):
                self._exchange.claim(room, gathering.lease.next(0), min(GRACE_S, self._exchange.lease_s))
        for kept in (self.gatherings, self._unsettled, self._held):
            kept.clear()

    def _begin(self, room: str) -> Gathering:
        gathering = self.gatherings[room] = Gathering(room)
        if self._exchange:
            gathering.lease = Lease(self._exchange.process, gathering.handles, self._renew_s)
        return gathering

    def _note(self, gathering: Gathering, person: str, handle: str | None) -> None:
        gathering.is_stale = True
        if gathering.lease:
            gathering.lease.note(person, handle)

    def _let_go(self, now: float) -> list[tuple[str, str]]:
        """Remove those who did not come back in time."""
        gone: list[tuple[str, str]] = []
        while self._leaving and self._leaving[0].gone_at <= now:
            gone_at, room, person = self._leaving.popleft()
            gathering = self.gatherings.get(room)
            attendee = gathering and gathering.people.get(person)
            if attendee and attendee.sockets <= 0 and attendee.left_at + GRACE_S <= gone_at:
                self.remove(room, person)
                gone.append((room, person))
        return gone

    def _renew(self, now: float) -> None:
        """Look after the rooms whose lease is to be renewed, the longest waiting first."""
        for room, held_at in islice(self._held.items(), ROOMS_A_BEAT):
            if now - held_at < self._renew_s:
                break
            self._unsettled[room] = None

    def _settle(self, gathering: Gathering, now: float) -> bool:
        """Do what is due about one room; answers whether nothing is left to do."""
        if not gathering.people:
            self._end(gathering)
            return True
        if gathering.lease:
            self._share(gathering, now)
        self._show(gathering, now)
        return gathering.is_settled

    def _share(self, gathering: Gathering, now: float) -> None:
        """Tell the others, if it is time."""
        room, lease = gathering.room, gathering.lease
        assert lease
        assert self._exchange
        if not lease.is_due(now):
            return
        self._held.pop(room, None)
        self._held[room] = now
        if not self._exchange.reaches(room):
            gathering.is_stale |= not lease.is_away
            lease.lose(now)
            return
        if lease.is_overdue(now):
            lease.doubt()
            gathering.is_stale = True
        self.claims += 1
        self._exchange.claim(room, lease.next(now), self._exchange.lease_s)

    def _show(self, gathering: Gathering, now: float) -> None:
        """Show the room who is there, if that changed and it is time; whoever is new gets to see it in any case."""
        notice, ears = gathering.notice, len(gathering.ears)
        if gathering.lease and gathering.lease.awaits(now):
            return
        if gathering.is_stale and notice.is_due(now, ears):
            gathering.is_stale = False
            frame = _frame(gathering)
            if frame != notice.frame:
                notice.post(frame, gathering.ears, now)
        if notice.frame and (not gathering.is_stale or notice.is_large(ears)):
            self.frames += notice.serve()

    def _end(self, gathering: Gathering) -> None:
        """Nobody is left."""
        del self.gatherings[gathering.room]
        self._held.pop(gathering.room, None)
        if self._exchange and gathering.lease:
            self._exchange.release(gathering.room, gathering.lease.name)


def _frame(gathering: Gathering) -> bytes:
    """What a room is shown: what all know together, or else who is here."""
    news = gathering.lease and gathering.lease.news
    if news:
        present, count = [Somebody(person=person, handle=handle) for person, handle in news.present], news.count
    else:
        present, count = gathering.present(MAX_PRESENT), len(gathering.people)
    return encode(PresenceFrame(room=gathering.room, present=present, count=count))
