"""The latest word about something fleeting in one room, on its way to the room's sockets: seldom, and in slices.

Who does not keep up misses what is overtaken, and gets the latest when they do.
"""

from collections.abc import Iterable
from itertools import chain, islice
from typing import Protocol

BEAT_S = 0.25
"""How often notices are served."""
AT_MOST_EVERY_S = 1.0


class Ear(Protocol):
    """A socket's place in a room, as far as it takes what may be missed."""

    def offer(self, frames: bytes) -> bool:
        """Send frames if the socket keeps up; answers whether they were taken."""


class Notice:
    """One frame, and who has not got it yet. It goes to so many sockets a second: the larger the room, the rarer."""

    __slots__ = ("_fresh", "_owed", "_per_s", "_posted_at", "frame")

    def __init__(self, per_s: int) -> None:
        self.frame = b""
        self._per_s = per_s
        self._posted_at = float("-inf")
        self._fresh: dict[Ear, None] = {}
        self._owed: dict[Ear, None] = {}

    @property
    def is_owed(self) -> bool:
        """Whether somebody is still to be told."""
        return bool(self._fresh or self._owed)

    def is_due(self, now: float, ears: int) -> bool:
        """Whether it is time for a new frame in a room with so many sockets that hear."""
        return now - self._posted_at >= max(AT_MOST_EVERY_S, ears / self._per_s)

    def is_large(self, ears: int) -> bool:
        """Whether a room has so many sockets that a frame comes to them one slice after the other."""
        return ears > self._per_s * AT_MOST_EVERY_S

    def post(self, frame: bytes, ears: Iterable[Ear], now: float) -> None:
        """From now on `frame` is what everybody should know; these are told."""
        self.frame = frame
        self._posted_at = now
        self._owed.update((ear, None) for ear in ears if ear not in self._fresh)

    def owe(self, ear: Ear) -> None:
        """Tell this one, too, and before the others: it knows nothing yet."""
        self.forget(ear)
        self._fresh[ear] = None

    def forget(self, ear: Ear) -> None:
        """Tell this one nothing more."""
        self._fresh.pop(ear, None)
        self._owed.pop(ear, None)

    def serve(self) -> int:
        """Tell the next slice of those who do not know yet; answers how many were told."""
        asked = list(islice(chain(self._fresh, self._owed), int(self._per_s * BEAT_S)))
        behind: dict[Ear, None] = {}
        for ear in asked:
            self.forget(ear)
            if not ear.offer(self.frame):
                behind[ear] = None
        self._owed |= behind
        return len(asked) - len(behind)
