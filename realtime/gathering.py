"""The people of one room who have sockets in this process, and which of those sockets hear of them."""

from itertools import islice

from realtime.lease import Lease
from realtime.notice import Ear, Notice
from realtime.server_frames import Somebody

PER_S = 1000
"""So many sockets of a room are told a second who is there."""


class Attendee:
    """Somebody in a room: what they are called, by how many sockets they are here, and when the last one left."""

    __slots__ = ("handle", "left_at", "sockets")

    def __init__(self, handle: str) -> None:
        self.handle = handle
        self.sockets = 0
        self.left_at = 0.0


class Gathering:
    """Who is in a room, the longest here first.

    `lease` is what the other processes are told, if there are any; `notice` what the room's sockets are told.
    `is_stale`: something changed that they were not told yet. Who has no socket left stays until they are removed.
    """

    __slots__ = ("ears", "is_stale", "lease", "notice", "people", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.people: dict[str, Attendee] = {}
        self.ears: dict[Ear, str] = {}
        self.lease: Lease | None = None
        self.notice = Notice(PER_S)
        self.is_stale = False

    @property
    def is_settled(self) -> bool:
        """Whether everybody knows everything."""
        return not (self.is_stale or self.notice.is_owed or (self.lease and not self.lease.is_settled))

    def enter(self, who: Somebody, ear: Ear | None) -> bool:
        """One socket more of somebody; answers whether that is news."""
        attendee = self.people.get(who.person)
        is_news = attendee is None or attendee.handle != who.handle
        if attendee is None:
            attendee = self.people[who.person] = Attendee(who.handle)
        attendee.handle = who.handle
        attendee.sockets += 1
        if ear:
            self.ears[ear] = who.person
            self.notice.owe(ear)
        return is_news

    def leave(self, person: str, ear: Ear | None, now: float) -> bool:
        """One socket less of somebody; answers whether it was their last."""
        if ear:
            self.ears.pop(ear, None)
            self.notice.forget(ear)
        attendee = self.people.get(person)
        if attendee is None:
            return False
        attendee.sockets -= 1
        attendee.left_at = now
        return attendee.sockets <= 0

    def present(self, limit: int) -> list[Somebody]:
        """Who has been here longest."""
        return [Somebody(person=name, handle=who.handle) for name, who in islice(self.people.items(), limit)]

    def handles(self) -> dict[str, str]:
        """What everybody is called."""
        return {person: attendee.handle for person, attendee in self.people.items()}
