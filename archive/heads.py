"""Tree heads from elsewhere, held against the tree of an export as it grows again. Pure."""

from collections import deque
from collections.abc import Sequence

from commands.merkle import Tree
from commands.treehead import Head, SignedHead

CLOCKS_MS = 60_000
"""By so much the clocks of those who sign may differ."""


class Published:
    """Heads by size. Each is `held` or `denied` when the tree is as large, or `passed` where no leaf ends there.

    `outlived` is one that is larger than the tree in the end, although it was signed before that one's own head.
    """

    def __init__(self, heads: Sequence[SignedHead] = ()) -> None:
        self.held = 0
        self.denied: list[SignedHead] = []
        self.outlived: list[SignedHead] = []
        self.passed = 0
        self._coming = deque(sorted(heads, key=lambda each: each.head.tree_size))

    def grow(self, tree: Tree, leaves: Sequence[bytes]) -> None:
        """Add leaves to the tree, and look at the heads on the way."""
        while self._coming and self._coming[0].head.tree_size < tree.size + len(leaves):
            missing = max(0, self._coming[0].head.tree_size - tree.size)
            tree.extend(leaves[:missing])
            leaves = leaves[missing:]
            self.meet(tree)
        tree.extend(leaves)
        self.meet(tree)

    def meet(self, tree: Tree) -> None:
        """Hold the tree as it is now against the heads that are not larger."""
        while self._coming and self._coming[0].head.tree_size <= tree.size:
            head = self._coming.popleft()
            if head.head.tree_size < tree.size:
                self.passed += 1
            elif head.head.root_hash == tree.root():
                self.held += 1
            else:
                self.denied.append(head)

    def end(self, own: Head) -> None:
        """The tree is whole, and this is its head: a log never becomes smaller."""
        earlier = [each for each in self._coming if each.head.signed_at + CLOCKS_MS < own.signed_at]
        self.outlived += earlier
        self._coming = deque(each for each in self._coming if each not in earlier)

    @property
    def left(self) -> int:
        """How many could not be compared."""
        return self.passed + len(self._coming)
