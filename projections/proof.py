"""The proof: a Merkle tree over every event of the log, in the order of positions."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from commands import merkle
from commands.merkle import HASH_BYTES
from commands.subscription import Fact
from projections.projection import count_upto
from projections.rows import Table, select_one, upsert
from projections.tiles import HEIGHT, WIDTH, Tile, TreeDamaged

PARTITION = 0
SIZE = Table("proof_size", {"partition": "bigint", "tree_size": "bigint", "position": "bigint"})
TILES = Table(
    "proof_tile",
    {"level": "bigint", "number": "bigint", "first_position": "bigint", "last_position": "bigint", "hashes": "bytea"},
    keys=2,
)


class Reached(NamedTuple):
    """How many leaves the tree has, and the position of the last one's event."""

    tree_size: int
    position: int


class _Hashed(NamedTuple):
    """Hashes of one level, and of each the positions of the first and the last event under it."""

    hashes: Sequence[bytes]
    first_positions: Sequence[int]
    last_positions: Sequence[int]


class Proof:
    """Hashes every event as it is stored, also those that cannot be opened, and keeps the tree's hashes in tiles."""

    name = "proof"
    tables = (SIZE.name, TILES.name)
    unkeyed = ()
    repeating = ()
    parks = False
    can_wait = True

    def apply(self, facts: Sequence[Fact]) -> None:
        """See `Projection.apply`. Raises: TreeDamaged."""
        size, position = reached()
        news = [fact.recorded for fact in facts[count_upto(facts, position) :]]
        if news:
            positions = [event.position for event in news]
            upsert(TILES, list(_grow(size, _Hashed([merkle.leaf_of(event) for event in news], positions, positions))))
            upsert(SIZE, [(PARTITION, size + len(news), news[-1].position)])


def reached() -> Reached:
    """How far the tree has come."""
    found = select_one(SIZE, (PARTITION,))
    return Reached._make(found[1:]) if found else Reached(0, 0)


def tile(level: int, number: int) -> Tile | None:
    """A tile as it is kept."""
    found = select_one(TILES, (level, number))
    return Tile._make((*found[:-1], bytes(found[-1]))) if found else None


def _grow(size: int, hashed: _Hashed) -> Iterator[Tile]:
    """The tiles that change when these leaves are added to a tree of this size."""
    level = 0
    while hashed.hashes:
        filled = list(_fill(level, size >> (HEIGHT * level), hashed))
        yield from filled
        full = [each for each in filled if each.is_full]
        hashed = _Hashed(
            [each.root() for each in full],
            [each.first_position for each in full],
            [each.last_position for each in full],
        )
        level += 1


def _fill(level: int, count: int, hashed: _Hashed) -> Iterator[Tile]:
    """The tiles of one level, which has so many hashes, when these are added to it."""
    number, begin, end = count // WIDTH, 0, WIDTH - count % WIDTH
    begun = _begun(level, number, count % WIDTH)
    while begin < len(hashed.hashes):
        hashes = b"".join([begun.hashes if begun else b"", *hashed.hashes[begin:end]])
        first_position = begun.first_position if begun else hashed.first_positions[begin]
        yield Tile(level, number, first_position, hashed.last_positions[begin:end][-1], hashes)
        number, begin, end, begun = number + 1, end, end + WIDTH, None


def _begun(level: int, number: int, count: int) -> Tile | None:
    """The tile that has so many hashes. Raises: TreeDamaged if it has not."""
    begun = tile(level, number) if count else None
    if count and (begun is None or len(begun.hashes) != count * HASH_BYTES):
        raise TreeDamaged(f"tile {number} of level {level} has not the {count} hashes that it was given")
    return begun
