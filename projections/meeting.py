"""Leaves in a row, and the signed heads that they meet on their way. Pure."""

from collections import deque
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Self

from commands.merkle import Tree
from commands.treehead import SignedHead


class Row:
    """Leaves that come one after the other, as a tree. Heads are expected by rising size."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._expected: deque[SignedHead] = deque()

    @property
    def size(self) -> int:
        return self._tree.size

    def expect(self, head: SignedHead) -> None:
        """A head that may be met."""
        self._expected.append(head)

    def feed(self, leaves: Sequence[bytes]) -> Iterator[tuple[SignedHead, bool]]:
        """Add leaves; answers each head that was met, and whether it has the same root."""
        while self._expected and self._expected[0].head.tree_size <= self.size + len(leaves):
            head = self._expected.popleft()
            missing = max(0, head.head.tree_size - self.size)
            self._tree.extend(leaves[:missing])
            leaves = leaves[missing:]
            yield head, head.head.tree_size == self.size and head.head.root_hash == self._tree.root()
        self._tree.extend(leaves)

    def rest(self) -> Iterator[tuple[SignedHead, bool]]:
        """The heads that were never met."""
        while self._expected:
            yield self._expected.popleft(), False

    def fork(self) -> Self:
        """Another one that has come as far, and goes its own way."""
        return deepcopy(self)
