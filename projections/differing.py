"""What became of events that do not hash to the leaves they once were: changed, removed, inserted, swapped. Pure."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from commands.merkle import leaf_of
from commands.subscription import Recorded

MAX_COMPARED = 200
"""Among so many changed events those are looked for that changed places."""

type Kind = Literal["changed", "removed", "inserted", "swapped"]


class Difference(NamedTuple):
    """The leaves that no event hashes to any more (none if something was inserted before `leaf_index`), and the events.

    What is missing had its position between `after` and `before`.
    """

    kind: Kind
    leaf_index: int
    leaves: Sequence[bytes]
    events: Sequence[Recorded]
    after: int
    before: int

    @property
    def positions(self) -> range | None:
        """The positions of what is missing, if they can only be these."""
        between = range(self.after + 1, self.before)
        return between if len(between) == len(self.leaves) else None


class Stretch(NamedTuple):
    """The leaves of a stretch of the log as they were hashed, and its events as they are, with their leaves.

    The stretch begins after a position; what is after it in the log begins at `before`.
    """

    leaf_index: int
    after: int
    before: int
    leaves: Sequence[bytes]
    events: Sequence[Recorded]
    theirs: Sequence[bytes]


def differences(stretch: Stretch) -> Iterator[Difference]:
    """Where the events differ from the leaves. Since a leaf covers its position, whatever hashes to one is in place."""
    places = {leaf: place for place, leaf in enumerate(stretch.leaves)}
    begin, after = 0, stretch.after
    strange: list[Recorded] = []
    for event, leaf in zip(stretch.events, stretch.theirs, strict=True):
        place = places.get(leaf)
        if place is None:
            strange.append(event)
            continue
        yield from _gap(stretch, range(begin, place), strange, after, event.position)
        begin, after, strange = place + 1, event.position, []
    yield from _gap(stretch, range(begin, len(stretch.leaves)), strange, after, stretch.before)


def with_swaps(found: Sequence[Difference]) -> list[Difference]:
    """The same, with two changed ones as one where each is what the other was."""
    result: dict[int, Difference] = dict(enumerate(found))
    changed = [place for place, each in result.items() if each.kind == "changed"][:MAX_COMPARED]
    for one, other in combinations(changed, 2):
        if one in result and other in result and _are_swapped(result[one], result[other]):
            gone = result.pop(other)
            leaves, events = [*result[one].leaves, *gone.leaves], [*result[one].events, *gone.events]
            result[one] = result[one]._replace(kind="swapped", leaves=leaves, events=events)
    return list(result.values())


def _gap(stretch: Stretch, places: range, strange: Sequence[Recorded], after: int, before: int) -> Iterator[Difference]:
    """What there is between two events that are in place: leaves without an event, and events without a leaf."""
    changed = min(len(places), len(strange))
    for place, event in zip(places, strange, strict=False):
        index = stretch.leaf_index + place
        yield Difference("changed", index, [stretch.leaves[place]], [event], event.position - 1, event.position + 1)
    if rest := places[changed:]:
        last = strange[-1].position if strange else after
        leaves = stretch.leaves[rest.start : rest.stop]
        yield Difference("removed", stretch.leaf_index + rest.start, leaves, [], last, before)
    for event in strange[changed:]:
        index = stretch.leaf_index + places.stop
        yield Difference("inserted", index, [], [event], event.position - 1, event.position + 1)


def _are_swapped(one: Difference, other: Difference) -> bool:
    if one.kind == "swapped":
        return False
    (a,), (b,) = one.events, other.events
    leaves = {*one.leaves, *other.leaves}
    return any({leaf_of(c), leaf_of(d)} == leaves for c, d in _exchanged(a, b))


def _exchanged(a: Recorded, b: Recorded) -> Iterator[tuple[Recorded, Recorded]]:
    """Both as they were if somebody has exchanged their places, or what they say."""
    for names in (("position",), ("seq",), ("position", "seq"), ("state",), ("topic", "subject", "state")):
        yield _with(a, b, names), _with(b, a, names)


def _with(event: Recorded, other: Recorded, names: Sequence[str]) -> Recorded:
    """An event with what another one has under these names."""
    return Recorded._make(getattr(other if name in names else event, name) for name in Recorded._fields)
