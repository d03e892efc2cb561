"""What a projection is: events in, rows out, in one transaction with its checkpoint."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from commands.people import NO_ROOMS
from commands.subscription import Fact


class Projection(Protocol):
    """Writes one read model. Applying an event twice changes nothing; replaying the log gives equal tables."""

    @property
    def name(self) -> str:
        """Under this name its checkpoint is kept."""

    @property
    def tables(self) -> Sequence[str]:
        """What it writes, and may be emptied to build it again."""

    @property
    def indexes(self) -> Sequence[str]:
        """The indexes by which it finds rows while it applies events, but for those of keys."""

    @property
    def parks(self) -> bool:
        """Whether a room is set aside whose events it cannot apply. If not, it stands still at such an event."""

    def apply(self, facts: Sequence[Fact]) -> None:
        """Write what these events say. Called within a transaction on Django's connection, with rising positions.

        Raises: CannotApply, or whatever goes wrong with an event: its room is parked, or the projection stands still.
        """


class CannotApply(Exception):
    """The event cannot be read, so what follows it in its room would be built on sand."""


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
