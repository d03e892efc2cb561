"""A Merkle tree over events, hashed as RFC 6962 and RFC 9162 (section 2.1) say: pure, no state but a tree that grows.

Everywhere a leaf stands for its hash, 32 bytes; a leaf's `index` is its place in the tree, from 0; a proof is a list of
hashes in the order of the RFC. What is to be hashed is described by ranges of leaves and by nodes, so that whoever
keeps hashes of whole subtrees need not read the leaves under them.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from hashlib import sha256
from typing import NamedTuple

from commands.store import Recorded

HASH_BYTES = 32
EMPTY = sha256().digest()
"""The root of a tree without leaves."""


class Node(NamedTuple):
    """The root of a complete subtree: of the 2**level leaves from number · 2**level on."""

    level: int
    number: int


class Tree:
    """A tree that grows at its end. It keeps one hash for each level, however many leaves it has."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, node: bytes, level: int = 0) -> None:
        """Add a leaf, or a complete subtree of 2**level leaves by its root.

        Raises: ValueError when a subtree of that level cannot begin here.
        """
        if self.size % (1 << level):
            raise ValueError(f"no subtree of level {level} begins at leaf {self.size}")
        self.size += 1 << level
        while self._peaks and self._peaks[-1][0] == level:
            node = node_hash(self._peaks.pop()[1], node)
            level += 1
        self._peaks.append((level, node))

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaves, as the largest subtrees that they fill: hashed row by row, which takes half the time."""
        first = self.size
        for node in nodes(range(first, first + len(leaves))):
            begin = (node.number << node.level) - first
            self.add(root(leaves[begin : begin + (1 << node.level)]), node.level)

    def root(self) -> bytes:
        """The root of what was added until now."""
        return _joined([peak for _, peak in self._peaks]) if self._peaks else EMPTY


def leaf_data(event: Recorded) -> bytes:
    """What a leaf covers: the whole stored event, in one line each but for its state, which is as it is stored."""
    return _covered("", event)


def _covered(before: str, event: Recorded) -> bytes:
    position, stream, seq, topic, subject, state = event
    where = f"{before}{position}\n{stream}\n{seq}\n{topic}\n{subject}\n".encode()
    return where + (state if type(state) is bytes else _stored(state))


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf."""
    return sha256(b"\0" + data).digest()


def leaf_of(event: Recorded) -> bytes:
    """The leaf of a stored event."""
    return sha256(_covered("\0", event)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node with two below it."""
    return sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The root of the tree of these leaves, or of a subtree if they are a range of one (`inclusion_ranges` …)."""
    row = list(leaves)
    while len(row) > 1:
        odd = row[len(row) & ~1 :]
        pairs = zip(row[::2], row[1::2], strict=False)
        row = [sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return row[0] if row else EMPTY


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """What proves that leaf `index` is in the tree of these. Raises: ValueError if it is not."""
    return [root(leaves[each.start : each.stop]) for each in inclusion_ranges(index, len(leaves))]


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """What proves that the tree of the `first` of these leaves became the tree of all. Raises: ValueError."""
    return [root(leaves[each.start : each.stop]) for each in consistency_ranges(first, len(leaves))]


def inclusion_ranges(index: int, size: int) -> list[range]:
    """The leaves under each hash of an inclusion proof (RFC 9162, 2.1.3.1). Raises: ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    begin, end, path = 0, size, []
    while end - begin > 1:
        middle = _middle(begin, end)
        if index < middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(begin, middle))
            begin = middle
    return path[::-1]


def consistency_ranges(first: int, second: int) -> list[range]:
    """The leaves under each hash of a consistency proof (RFC 9162, 2.1.4.1). Raises: ValueError."""
    if not 0 < first <= second:
        raise ValueError(f"a tree of {second} did not grow from one of {first}")
    begin, end, path = 0, second, []
    while first < end:
        middle = _middle(begin, end)
        if first <= middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(begin, middle))
            begin = middle
    if begin:
        path.append(range(begin, end))
    return path[::-1]


def nodes(leaves: range) -> Iterator[Node]:
    """The fewest complete subtrees that cover a range of leaves, from left to right."""
    begin = leaves.start
    while begin < leaves.stop:
        level = (leaves.stop - begin).bit_length() - 1
        if begin:
            level = min(level, (begin & -begin).bit_length() - 1)
        yield Node(level, begin >> level)
        begin += 1 << level


def range_hash(leaves: range, hash_of: Callable[[Node], bytes]) -> bytes:
    """The hash over a range of leaves that a proof asks for, or over all, given those of complete subtrees."""
    return _joined([hash_of(node) for node in nodes(leaves)]) if leaves else EMPTY


def includes(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> bool:
    """Whether a proof shows that a leaf is at `index` of the tree of this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, seen = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            seen = node_hash(sibling, seen)
            at, last = _out_of_the_left_edge(at, last)
        else:
            seen = node_hash(seen, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and seen == root_hash


def grew(first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the first tree became the second, and nothing of it changed (RFC 9162, 2.1.4.2)."""
    if not 0 < first <= second:
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    was = now = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
            at, last = _out_of_the_left_edge(at, last)
        else:
            now = node_hash(now, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and was == first_root and now == second_root


def _middle(begin: int, end: int) -> int:
    """Where a tree is divided: to the left of it is the largest complete subtree that is not all of it."""
    return begin + (1 << ((end - begin - 1).bit_length() - 1))


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The hash over subtrees that stand side by side, the largest first."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def _stored(state: object) -> bytes:
    """The bytes of a state, also where somebody has put something else into the column."""
    return str(state).encode()


def _out_of_the_left_edge(at: int, last: int) -> tuple[int, int]:
    """Go up past the levels on which nothing is beside the node."""
    while not at & 1 and at:
        at, last = at >> 1, last >> 1
    return at, last
