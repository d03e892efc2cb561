"""Walking along the tree from leaf to leaf, for exports: where each event is, and the hashes of what lies between.

Whoever has the events and these hashes comes to the root of the tree, at the cost of a hash for each level.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from commands import merkle
from commands.clock import now_ms
from commands.errors import NotProved
from commands.subscription import Recorded
from commands.treehead import Head, SignedHead
from projections import proof_statements as statements
from projections import tiles
from projections.proofs import Proofs
from projections.reading import Reading
from projections.tiles import WIDTH, Key, TreeDamaged

WAIT_S = 2.0
LOOK_EVERY_S = 0.02
MAX_TILES = 64


class Place(NamedTuple):
    """An event's leaf, and the hashes of the subtrees between the leaf before it and this one, from left to right."""

    leaf: int
    gap: Sequence[bytes]


class _Leaves(NamedTuple):
    number: int
    first_position: int
    last_position: int
    leaves: dict[bytes, int]

    def place(self, event: Recorded) -> int | None:
        """The index of an event's leaf in the tree, if it is here."""
        here = self.leaves.get(merkle.leaf_of(event))
        return None if here is None else self.number * WIDTH + here


class Walk:
    """One walk, along events by rising position, in the tree of a signed head."""

    def __init__(self, read: Reading, head: SignedHead) -> None:
        self.head = head
        self._read = read
        self._leaf = 0
        self._ahead: deque[_Leaves] = deque()
        self._tiles: dict[Key, bytes] = {}

    async def places(self, events: Sequence[Recorded]) -> list[Place | None]:
        """Where these are; None for one that is beyond the head, or was not stored like this when it was hashed.

        Raises: Unavailable, NotProved.
        """
        indices = await self._indices(events)
        between: dict[int, range] = {}
        for index in indices:
            if index is None:
                continue
            if index != self._leaf:
                between[index] = range(self._leaf, index)
            self._leaf = index + 1
        gaps = dict(zip(between, await self._gaps(list(between.values())), strict=True))
        return [None if index is None else Place(index, gaps.get(index, ())) for index in indices]

    async def end(self) -> Sequence[bytes]:
        """The hashes of the subtrees between the last leaf and the end of the tree. Raises: Unavailable, NotProved."""
        [gap] = await self._gaps([range(self._leaf, self.head.head.tree_size)])
        return gap

    async def _indices(self, events: Sequence[Recorded]) -> list[int | None]:
        """The index of each event's leaf, if it has one."""
        indices: list[int | None] = []
        for number, event in enumerate(events):
            if event.position > self.head.head.position:
                indices.append(None)
                continue
            if not (self._ahead and event.position <= self._ahead[0].last_position):
                await self._turn(events[number:])
            indices.append(self._ahead[0].place(event) if self._ahead else None)
        return indices

    async def _turn(self, events: Sequence[Recorded]) -> None:
        """Have the tile of the first of these before us, and perhaps those of some that follow."""
        position = events[0].position
        while self._ahead and self._ahead[0].last_position < position:
            self._ahead.popleft()
        if not self._ahead:
            self._ahead.extend(await self._look_ahead(_apart(events)))

    async def _look_ahead(self, positions: Sequence[int]) -> list[_Leaves]:
        padded = [*positions, *[positions[-1]] * (statements.AHEAD - len(positions))]
        parameters = {f"position{i}": position for i, position in enumerate(padded)}
        found = []
        for number, first, last, hashes in await self._read.rows(statements.TILES_OF, parameters):
            self._keep((0, number), bytes(hashes))
            found.append(_Leaves(number, first, last, {leaf: i for i, leaf in enumerate(tiles.split(bytes(hashes)))}))
        return found

    async def _gaps(self, ranges: Sequence[range]) -> list[list[bytes]]:
        """The hashes of the nodes over each of these ranges of leaves. Raises: Unavailable, NotProved."""
        nodes = [[_leaves_of(node) for node in merkle.nodes(each)] for each in ranges]
        flat = [leaves for each in nodes for leaves in each]
        missing = [key for key in tiles.needed(flat) if key not in self._tiles]
        wanted = dict(self._tiles) | await self._fetch(missing)
        try:
            hashes = iter(tiles.hashes(flat, wanted))
        except TreeDamaged:
            raise NotProved from None
        for key in missing:
            self._keep(key, wanted.get(key, b""))
        return [[next(hashes) for _ in each] for each in nodes]

    async def _fetch(self, keys: Sequence[Key]) -> dict[Key, bytes]:
        found: dict[Key, bytes] = {}
        for begin in range(0, len(keys), statements.MOST):
            padded = [*keys[begin : begin + statements.MOST]]
            padded += [(-1, -1)] * (statements.MOST - len(padded))
            parameters = {f"level{i}": level for i, (level, _) in enumerate(padded)}
            parameters |= {f"number{i}": number for i, (_, number) in enumerate(padded)}
            rows = await self._read.rows(statements.TILES, parameters)
            found |= {(level, number): bytes(hashes) for level, number, hashes in rows}
        return found

    def _keep(self, key: Key, hashes: bytes) -> None:
        """Remember a tile for a while: the next leaf is near."""
        self._tiles.pop(key, None)
        self._tiles[key] = hashes
        while len(self._tiles) > MAX_TILES:
            del self._tiles[next(iter(self._tiles))]


class Walks:
    """Begins walks, each in the tree of a head that covers what is to be walked along."""

    def __init__(self, read: Reading, proofs: Proofs) -> None:
        self._read = read
        self._proofs = proofs

    async def begin(self, position: int, sign: Callable[[Head], SignedHead]) -> Walk | None:
        """A walk that comes up to a position, as far as the tree has, once it has or two seconds have passed.

        If no head covers it that was signed, one is signed here, of a tree that continues the last one.
        Raises: NotProved, Unavailable.
        """
        head = await self._proofs.head()
        if head is None or head.head.position < position:
            head = await self._fresh(position, head, sign)
        return Walk(self._read, head) if head else None

    async def _fresh(
        self, position: int, before: SignedHead | None, sign: Callable[[Head], SignedHead]
    ) -> SignedHead | None:
        size, reached = await self._wait(position)
        if not size or (before and size <= before.head.tree_size):
            return before
        first = before.head.tree_size if before else size
        growth = await self._proofs.growth(first, size)
        return sign(Head(size, reached, growth.second_root, now_ms()))

    async def _wait(self, position: int) -> tuple[int, int]:
        """The size that the tree reaches within the time, and the position of its last leaf."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + WAIT_S
        while True:
            rows = await self._read.rows(statements.REACHED, {})
            size, reached = rows[0] if rows else (0, 0)
            if reached >= position or loop.time() >= deadline:
                return size, reached
            await asyncio.sleep(LOOK_EVERY_S)


def _leaves_of(node: merkle.Node) -> range:
    return range(node.number << node.level, (node.number + 1) << node.level)


def _apart(events: Sequence[Recorded]) -> list[int]:
    """Positions of these that are so far apart that no two need be in one tile, beginning with the first."""
    positions = [events[0].position]
    for event in events:
        if event.position >= positions[-1] + WIDTH:
            positions.append(event.position)
            if len(positions) == statements.AHEAD:
                break
    return positions
