"""Whether the seqs of every room are complete: 1, 2, 3 … in the order of positions. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from commands.subscription import Recorded

NOTHING = (0, 0)
"""The seq and the position of the last event of a room that has none."""
MAX_KEPT = 10_000
"""So many missing or misplaced seqs are remembered; of more, the number."""


class Missing(NamedTuple):
    """A seq that a room lacks; its event was between two positions."""

    room: str
    seq: int
    after: int
    before: int


class Seqs:
    """Takes events in the order of positions. `misplaced` are those that are in no order, or that there are twice."""

    def __init__(self) -> None:
        self.misplaced: list[Recorded] = []
        self.uncounted = 0
        self._last: dict[str, tuple[int, int]] = {}
        self._missing: dict[tuple[str, int], Missing] = {}

    @property
    def rooms(self) -> int:
        return len(self._last)

    @property
    def missing(self) -> list[Missing]:
        return list(self._missing.values())

    def last(self, room: str) -> int:
        """The last seq of a room, 0 if there is no event of it."""
        return self._last.get(room, NOTHING)[0]

    def take(self, events: Iterable[Recorded]) -> None:
        """Take the next events."""
        known = self._last
        for event in events:
            position, room, seq, _, _, _ = event
            last = known.get(room, NOTHING)
            if seq == last[0] + 1:
                known[room] = seq, position
            else:
                self._take_another(event, *last)

    def expect(self, room: str, seq: int, beyond: int) -> None:
        """Somebody knows that a room had come to this seq; the log ends before the position `beyond`."""
        last, position = self._last.get(room, NOTHING)
        self._miss(room, range(last + 1, seq + 1), position, beyond)

    def _take_another(self, event: Recorded, last: int, position: int) -> None:
        room, seq = event.stream, event.seq
        if seq <= last:
            self._missing.pop((room, seq), None)
            self._misplace(event)
            return
        self._miss(room, range(last + 1, seq), position, event.position)
        self._last[room] = seq, event.position

    def _miss(self, room: str, seqs: range, after: int, before: int) -> None:
        kept = seqs[: max(0, MAX_KEPT - len(self._missing))]
        self._missing |= {(room, seq): Missing(room, seq, after, before) for seq in kept}
        self.uncounted += len(seqs) - len(kept)

    def _misplace(self, event: Recorded) -> None:
        if len(self.misplaced) < MAX_KEPT:
            self.misplaced.append(event)
        else:
            self.uncounted += 1
