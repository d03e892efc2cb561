"""Who was erased, and which rooms forget what, as far as this process has heard; and whoever wants to know at once."""

from collections import OrderedDict
from collections.abc import Callable

MAX_KNOWN = 100_000
"""The latest erasures that are remembered: some 10 MiB."""


class Erasures:
    """Who was erased, and what is over. `latest` is the position of the last event of either kind.

    `count` rises with each that is heard: what was read before it did, and is shown after, is to be read again.
    """

    def __init__(self, max_known: int = MAX_KNOWN) -> None:
        self.count = 0
        self.latest = 0
        self._max_known = max_known
        self._positions: OrderedDict[str, int] = OrderedDict()
        self._forgotten_upto = 0
        self._listeners: list[Callable[[str, int], None]] = []
        self._over: dict[str, tuple[int, int]] = {}
        self._expiry_listeners: list[Callable[[str, int], None]] = []

    def tell(self, listener: Callable[[str, int], None], *, of_rooms: Callable[[str, int], None]) -> None:
        """Tell `listener` of everybody who is erased from now on: the person, and the position of the event.

        And `of_rooms` of every room of which something is over: its label, and the time before which it is.
        """
        self._listeners.append(listener)
        self._expiry_listeners.append(of_rooms)

    def note(self, person: str, position: int) -> None:
        """Somebody was erased; to hear of it again changes nothing."""
        if person in self._positions:
            return
        self.count += 1
        self._positions[person] = position
        self.latest = max(self.latest, position)
        if len(self._positions) > self._max_known:
            _, at = self._positions.popitem(last=False)
            self._forgotten_upto = max(self._forgotten_upto, at)
        for listener in self._listeners:
            listener(person, position)

    def expire(self, room: str, before: int, position: int) -> bool:
        """What was said in a room before a time (Unix ms) is over; answers whether that is news."""
        self.latest = max(self.latest, position)
        if before <= self.over_before(room):
            return False
        self.count += 1
        self._over[room] = (before, position)
        for listener in self._expiry_listeners:
            listener(room, before)
        return True

    def over_before(self, room: str) -> int:
        """The time before which what was said in a room is over; 0 if nothing is."""
        return self._over.get(room, (0, 0))[0]

    def over_at(self, room: str) -> int:
        """The position of the event by which something of a room is over; 0 if there is none."""
        return self._over.get(room, (0, 0))[1]

    def __contains__(self, person: object) -> bool:
        return person in self._positions

    @property
    def are_all(self) -> bool:
        """Whether everybody is known who was ever erased."""
        return not self._forgotten_upto

    def since(self, position: int) -> frozenset[str] | None:
        """Who was erased after a position; None if that is too long ago to be known. Mostly nobody, at no cost."""
        if position < self._forgotten_upto:
            return None
        if position >= self.latest:
            return frozenset()
        return frozenset(person for person, at in self._positions.items() if at > position)
