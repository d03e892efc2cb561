"""What a verification reads: the log, the tree as it was kept, and the heads, each from its beginning to its end."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Collection, Sequence
from operator import attrgetter
from typing import NamedTuple

from commands.merkle import HASH_BYTES
from commands.subscription import Log, Recorded
from commands.treehead import SignedHead, is_signed
from projections import proof_statements as statements
from projections.reading import Reading
from projections.signing import signed
from projections.tiles import WIDTH

PAGE = 2000
HEADS = 1000
TILES = 32
LOOKED_AT = 10
BEFORE_ALL = -(2**62)
_position = attrgetter("position")
_size = attrgetter("head.tree_size")


class Extent(NamedTuple):
    """How far everything reaches when a verification begins: what comes later is left to the next one."""

    tree_size: int
    tree_position: int
    largest_head: int
    last_position: int


class Leaves(NamedTuple):
    """A tile of leaves, how many it should have, and the positions of its first and its last event."""

    number: int
    first_position: int
    last_position: int
    size: int
    hashes: bytes

    @property
    def is_whole(self) -> bool:
        return len(self.hashes) == self.size * HASH_BYTES


async def extent(read: Reading, log: Log) -> Extent:
    """How far everything reaches: the heads no further than the tree, the tree no further than the log.

    Raises: Unavailable, StoreUnavailable.
    """
    heads = await read.rows(statements.LAST_HEAD, {})
    reached = await read.rows(statements.REACHED, {})
    size, position = reached[0] if reached else (0, 0)
    return Extent(size, position, heads[0][0] if heads else 0, await log.last_position())


class Events:
    """The log by position. While some events are being looked at, the next are read."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._here: list[Recorded] = []
        self._coming = self._read(after=0)

    async def upto(self, position: int) -> AsyncIterator[list[Recorded]]:
        """The events up to a position that were not yet taken, in portions. Raises: StoreUnavailable."""
        while True:
            taken = bisect_right(self._here, position, key=_position)
            if taken:
                yield self._here[:taken]
                self._here = self._here[taken:]
            if self._here or not await self._turn():
                return

    async def close(self) -> None:
        """Read no more."""
        self._coming.cancel()
        await asyncio.gather(self._coming, return_exceptions=True)

    async def _turn(self) -> bool:
        """Whether there are more events."""
        self._here = await self._coming
        if self._here:
            self._coming = self._read(after=self._here[-1].position)
        return bool(self._here)

    def _read(self, after: int) -> asyncio.Task[list[Recorded]]:
        return asyncio.create_task(self._log.read_recorded(after=after, limit=PAGE))


class Heads:
    """The heads by size: those that were kept here, and those that were `published` elsewhere; keys are `trusted`."""

    def __init__(
        self, read: Reading, largest: int, trusted: Collection[bytes], published: Sequence[SignedHead]
    ) -> None:
        self._read = read
        self._largest = largest
        self._trusted = trusted
        self._published = sorted(published, key=_size)
        self._page: list[SignedHead] = []
        self._after = BEFORE_ALL
        self._is_over = False

    async def upto(self, size: int) -> list[SignedHead]:
        """The heads up to a size that were not yet taken. Raises: Unavailable."""
        while not self._is_over and (not self._page or self._page[-1].head.tree_size <= size):
            rows = await self._read.rows(statements.HEADS_AFTER, {"tree_size": self._after, "limit": HEADS})
            more = [signed(row) for row in rows if row[0] <= self._largest]
            self._is_over = len(more) < HEADS
            self._page += more
            self._after = more[-1].head.tree_size if more else self._after
        return sorted({*_cut(self._page, size), *_cut(self._published, size)}, key=_size)

    def vouches_for(self, head: SignedHead) -> bool:
        """Whether one of the trusted keys signed a head."""
        return head.head.tree_size > 0 and any(is_signed(head, key) for key in self._trusted)

    async def covering(self, leaf_index: int) -> SignedHead | None:
        """The smallest head, of those that were kept here, over a tree that has this leaf. Raises: Unavailable."""
        rows = await self._read.rows(statements.HEADS_AFTER, {"tree_size": leaf_index, "limit": LOOKED_AT})
        return next((head for head in map(signed, rows) if self.vouches_for(head)), None)


def _cut(heads: list[SignedHead], size: int) -> list[SignedHead]:
    """Take the heads up to a size away from the others."""
    count = bisect_right(heads, size, key=_size)
    taken = heads[:count]
    del heads[:count]
    return taken


async def tiles(read: Reading, extent: Extent) -> AsyncIterator[Leaves]:
    """The tiles of leaves as far as they are there, without what was added since. Raises: Unavailable."""
    number = -1
    while rows := await read.rows(statements.TILES_AFTER, {"number": number, "limit": TILES}):
        for number, first, last, hashes in rows:
            here = min(WIDTH, extent.tree_size - number * WIDTH)
            if here <= 0:
                return
            is_last = number * WIDTH + here == extent.tree_size
            yield Leaves(
                number, first, extent.tree_position if is_last else last, here, bytes(hashes)[: here * HASH_BYTES]
            )
