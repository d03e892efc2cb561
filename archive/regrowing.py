"""The tree, grown again from an export: leaves are hashed from what the lines say is stored, the rest is given."""

from collections.abc import Collection, Iterator, Sequence

import msgspec

from archive.heads import Published
from archive.lines import Line
from archive.manifest import Manifest
from commands import merkle
from commands.merkle import HASH_BYTES, Tree
from commands.subscription import Recorded
from commands.treehead import from_members, is_signed

AT_ONCE = 1024
"""Leaves that are hashed together."""


class Regrown:
    """The tree under an export. It keeps one hash for each level; what cannot be joined spoils it for good.

    `leaves` is how many events had a leaf, `reached` the index after the last one's.
    """

    def __init__(self, published: Published) -> None:
        self._tree = Tree()
        self._published = published
        self._new: list[bytes] = []
        self.leaves = 0
        self.reached = 0
        self.is_proved = False
        self._spoiled = False
        self._without: tuple[str, int] | None = None
        self._placeless = 0

    def spoil(self) -> None:
        """A leaf is missing: there is no root to come to."""
        self._spoiled = True

    def grow(self, line: Line) -> range:
        """Add what lies between, and the leaf of a line, if it has one.

        Answers the leaves that lie between and are no line's; one that has none is taken for one of them.
        """
        if not (isinstance(line.topic, str) and isinstance(line.state, bytes) and isinstance(line.leaf, int)):
            self._without = self._without or (f"{line.stream}/{line.seq}", line.position)
            self._placeless += 1
            return range(0)
        between = range(self.reached + self._placeless, line.leaf)
        self._placeless = 0
        self.leaves += 1
        self.reached = line.leaf + 1
        self._fill(line.leaf, _given(line.gap))
        event = Recorded(line.position, line.stream, line.seq, line.topic, line.subject, line.state)
        self._new.append(merkle.leaf_of(event))
        if len(self._new) == AT_ONCE:
            self._settle()
        return between

    def end(self, said: Manifest, trusted: Collection[bytes] | None, *, is_complete: bool) -> Iterator[str]:
        """What is wrong with the head, and with the root that the file comes to.

        `is_complete`: the file has every event that is in the tree.
        """
        if not isinstance(said.tree_head, dict):
            if self.leaves:
                yield "there are leaves, but no tree head to compare them with"
            return
        try:
            signed = from_members(said.tree_head)
        except ValueError as error:
            yield f"the tree head is none: {error}"
            return
        if trusted is not None and not any(is_signed(signed, key) for key in trusted):
            yield "the tree head was not signed by a key that is trusted, or was changed"
        if self._without and self._without[1] <= signed.head.position:
            yield f"{self._without[0]} has no place in the tree: it was changed on the server after it was hashed"
        if is_complete and (missing := range(self.reached, signed.head.tree_size)):
            yield f"{numbers(missing)} missing at the end"
        self._fill(signed.head.tree_size, _given(said.gap))
        self._settle()
        if self._spoiled or self._tree.root() != signed.head.root_hash:
            yield (
                f"the events do not come to the root of the tree of {signed.head.tree_size} events that was signed: "
                "at least one was changed, removed, added or moved"
            )
        else:
            self.is_proved = True
            self._published.end(signed.head)

    def _fill(self, upto: int, gap: Sequence[bytes]) -> None:
        """Add the subtrees that lead up to a leaf."""
        if upto == self._tree.size + len(self._new) and not gap:
            return
        self._settle()
        between = list(merkle.nodes(range(self._tree.size, upto)))
        if upto < self._tree.size or len(between) != len(gap) or any(len(each) != HASH_BYTES for each in gap):
            self._spoiled = True
        if not self._spoiled:
            for node, given in zip(between, gap, strict=True):
                self._tree.add(given, node.level)
                self._published.meet(self._tree)

    def _settle(self) -> None:
        """Add the leaves that came one after the other."""
        if not self._spoiled:
            self._published.grow(self._tree, self._new)
        self._new.clear()


def numbers(leaves: range) -> str:
    """Events by their places in the log, which begin with 1, and the verb."""
    first, last = leaves.start + 1, leaves.stop
    if first == last:
        return f"event number {first:,} of the log is"
    return f"events number {first:,} to {last:,} of the log are"


def _given(gap: Sequence[bytes] | msgspec.UnsetType) -> Sequence[bytes]:
    return () if isinstance(gap, msgspec.UnsetType) else gap
