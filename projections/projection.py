"""What a projection is: events in, rows out, in one transaction with its checkpoint."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from commands.people import NO_ROOMS
from commands.subscription import Fact
from projections.rows import Table


class Projection(Protocol):
    """Writes one read model. Applying an event twice changes nothing; replaying the log gives equal tables."""

    @property
    def name(self) -> str:
        """Under this name its checkpoint is kept."""

    @property
    def tables(self) -> Sequence[str]:
        """What it writes, and may be emptied to build it again."""

    @property
    def unkeyed(self) -> Sequence[Table]:
        """Tables to which it does nothing but `insert_new`: while they are filled beside, they can do without a key."""

    @property
    def repeating(self) -> Sequence[Table]:
        """Those of them for which there are rows under the same key; of these the least stays."""

    @property
    def parks(self) -> bool:
        """Whether a room is set aside whose events it cannot apply. If not, it stands still at such an event."""

    @property
    def can_wait(self) -> bool:
        """Whether nobody misses it for a second: under load it is given more events at a time, for less work each."""

    def apply(self, facts: Sequence[Fact]) -> None:
        """Write what these events say. Called within a transaction on Django's connection, with rising positions.

        Raises: CannotApply, or whatever goes wrong with an event: its room is parked, or the projection stands still.
        """


class CannotApply(Exception):
    """The event cannot be read, so what follows it in its room would be built on sand."""


def count_upto(facts: Sequence[Fact], position: int) -> int:
    """How many of these events, whose positions rise, have one up to this."""
    return bisect_right(facts, position, key=_position)


def _position(fact: Fact) -> int:
    return fact.recorded.position


def by_room(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    """The events of each room, in order; two streams are of none. Raises: CannotApply for one that is broken."""
    rooms: dict[str, list[Fact]] = defaultdict(list)
    for fact in facts:
        if fact.recorded.stream in NO_ROOMS:
            continue
        if fact.event is None:
            raise CannotApply(f"event {fact.recorded.seq} of {fact.recorded.stream} is broken")
        rooms[fact.recorded.stream].append(fact)
    return rooms


def check_next(fact: Fact, head: int) -> None:
    """Raises: CannotApply when events between a room's head and this one never came."""
    if fact.recorded.seq != head + 1:
        raise CannotApply(f"event {fact.recorded.seq} of {fact.recorded.stream} came after {head}")
