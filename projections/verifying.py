"""Verifying the store: every event against the tree that was hashed of them, and both against every signed head."""

from collections.abc import Callable, Collection, Sequence

from commands import merkle
from commands.subscription import Log, Recorded
from commands.treehead import SignedHead
from projections import evidence, findings, tiles
from projections import proof_statements as statements
from projections.differing import Stretch, differences
from projections.evidence import Events, Extent, Heads, Leaves
from projections.reading import Reading
from projections.reporting import Observed, Report, conclude
from projections.tiles import WIDTH

BEYOND_ALL = 2**62
ROOMS = 1000


class Verifying:
    """Reads the whole log once, in constant memory but for the rooms' seqs. Others may go on meanwhile.

    A head counts if one of the `trusted` keys signed it. `published` are heads from elsewhere. `tell` hears how many
    events have been seen, and which position was reached, of which.
    """

    def __init__(
        self,
        log: Log,
        read: Reading,
        trusted: Collection[bytes],
        *,
        published: Sequence[SignedHead] = (),
        tell: Callable[[int, int, int], None] = lambda *_: None,
    ) -> None:
        self._log = log
        self._read = read
        self._trusted = trusted
        self._published = published
        self._tell = tell
        self._observed = Observed()

    async def run(self) -> Report:
        """Verify what there is now. Raises: Unavailable, StoreUnavailable."""
        extent = await evidence.extent(self._read, self._log)
        self._last_position = extent.last_position
        largest = max([extent.largest_head, *(each.head.tree_size for each in self._published)])
        self._heads = Heads(self._read, largest, self._trusted, self._published)
        self._events = Events(self._log)
        observed = self._observed
        try:
            await self._compare_tiles(extent)
            in_tree = observed.events
            await self._take_rest(extent)
            observed.beyond_tree = observed.events - in_tree
        finally:
            await self._events.close()
        await self._expect(BEYOND_ALL)
        observed.judgement.end()
        await self._ask_the_directory(extent)
        return await conclude(observed, self._heads, extent)

    async def _compare_tiles(self, extent: Extent) -> None:
        following, after = 0, 0
        async for tile in evidence.tiles(self._read, extent):
            if tile.number != following or not tile.is_whole:
                self._observed.find(findings.of_tree(following, "are missing"))
                await self._take_unhashed(tile.first_position - 1 if tile.is_whole else tile.last_position)
            if tile.is_whole:
                await self._compare(tile, after)
            following, after = tile.number + 1, tile.last_position
        if following * WIDTH < extent.tree_size:
            self._observed.find(findings.of_tree(following, "are missing"))
            await self._take_unhashed(extent.tree_position)

    async def _compare(self, tile: Leaves, after: int) -> None:
        kept = tiles.split(tile.hashes)
        events = [event async for part in self._events.upto(tile.last_position) for event in part]
        stored = self._hash(events)
        await self._judge(stored, kept)
        if stored != kept:
            before = tile.last_position + 1
            found = differences(Stretch(tile.number * WIDTH, after, before, kept, events, stored))
            self._observed.differ(found)
        elif (tile.first_position, tile.last_position) != (events[0].position, events[-1].position):
            self._observed.find(findings.of_tree(tile.number, "are said to be of other positions"))

    async def _take_unhashed(self, position: int) -> None:
        """Events whose leaves were not kept: only heads can tell whether they are what they were."""
        await self._judge([], None)
        async for events in self._events.upto(position):
            await self._judge(self._hash(events), None)

    async def _take_rest(self, extent: Extent) -> None:
        """Events that are not in the tree yet."""
        async for events in self._events.upto(extent.last_position):
            await self._judge(self._hash(events), [])

    def _hash(self, events: Sequence[Recorded]) -> list[bytes]:
        self._observed.seqs.take(events)
        self._observed.events += len(events)
        if events:
            self._tell(self._observed.events, events[-1].position, self._last_position)
        return [merkle.leaf_of(event) for event in events]

    async def _judge(self, stored: Sequence[bytes], kept: Sequence[bytes] | None) -> None:
        await self._expect(self._observed.judgement.reach(stored, kept))
        self._observed.judgement.take(stored, kept)

    async def _expect(self, size: int) -> None:
        for head in await self._heads.upto(size):
            if self._heads.vouches_for(head):
                self._observed.judgement.expect(head)
                self._observed.last_head = head
            else:
                self._observed.find(findings.of_forged(head))

    async def _ask_the_directory(self, extent: Extent) -> None:
        """The directory remembers how far rooms had come: what was taken from a room's end leaves no gap."""
        after = ""
        while rows := await self._read.rows(statements.ROOM_HEADS, {"after": after, "limit": ROOMS}):
            for after, head in rows:
                if head > self._observed.seqs.last(after) and head > await self._log.head(after):
                    self._observed.seqs.expect(after, head, extent.last_position + 1)
