"""Proofs, for everybody: signed heads, that an event is in the tree, and that the tree only grew."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from commands import merkle
from commands.errors import InvalidField, NotProved, NotSigned, ProjectionBehind
from commands.subscription import Recorded
from commands.treehead import SignedHead
from projections import proof_statements as statements
from projections import tiles
from projections.reading import Reading
from projections.signing import signed
from projections.tiles import WIDTH, Key, TreeDamaged

SIGNED_SOON_MS = 10_000


class Inclusion(NamedTuple):
    """That a leaf is in the tree of this size and root, with the signed head of that tree if there is one."""

    leaf_index: int
    tree_size: int
    leaf: bytes
    root: bytes
    path: list[bytes]
    head: SignedHead | None


class Growth(NamedTuple):
    """That the first tree became the second, with the signed heads of both as far as there are such."""

    first: int
    second: int
    first_root: bytes
    second_root: bytes
    path: list[bytes]
    first_head: SignedHead | None
    second_head: SignedHead | None


class Proofs:
    """Makes proofs of the tiles, each in a handful of reads by key. What it hands out it has verified itself."""

    def __init__(self, read: Reading) -> None:
        self._read = read

    async def head(self, tree_size: int | None = None) -> SignedHead | None:
        """The newest signed head, or that of a size, if there is one. Raises: Unavailable."""
        if tree_size is None:
            rows = await self._read.rows(statements.LAST_HEAD, {})
        else:
            rows = await self._read.rows(statements.HEAD, {"tree_size": tree_size})
        return signed(rows[0]) if rows else None

    async def inclusion(self, event: Recorded, tree_size: int | None = None) -> Inclusion:
        """That a stored event is in the tree of this size, or in that of the newest signed head.

        Raises: ProjectionBehind, NotSigned, InvalidField for a size, NotProved if it was not stored like this when it
        was hashed, Unavailable.
        """
        leaf, head = merkle.leaf_of(event), await self.head(tree_size)
        reached, index = await self._find(event, leaf)
        if tree_size is None:
            if head is None or head.head.tree_size <= index:
                raise NotSigned(retry_after_ms=SIGNED_SOON_MS)
            tree_size = head.head.tree_size
        if not index < tree_size <= reached:
            raise InvalidField.of("tree_size", f"it is event {index + 1} of {reached}: use one between these")
        root, *path = await self._hashes([range(tree_size), *merkle.inclusion_ranges(index, tree_size)])
        if _denies(head, root) or not merkle.includes(leaf, index, tree_size, path, root):
            raise NotProved
        return Inclusion(index, tree_size, leaf, root, path, head)

    async def growth(self, first: int, second: int | None = None) -> Growth:
        """That the tree of one size became that of another one, or of the newest signed head.

        Raises: NotSigned, InvalidField for a size, NotProved, Unavailable.
        """
        second_head = await self.head(second)
        if second is None:
            if second_head is None:
                raise NotSigned(retry_after_ms=SIGNED_SOON_MS)
            second = second_head.head.tree_size
        reached, _ = await self._reached()
        if second > reached:
            raise InvalidField.of("second", f"the log has {reached} events that are in the tree")
        if first > second:
            raise InvalidField.of("first", f"use at most {second}, the size of the second tree")
        ranges = [range(first), range(second), *merkle.consistency_ranges(first, second)]
        first_head = await self.head(first)
        was, now, *path = await self._hashes(ranges)
        if _denies(first_head, was) or _denies(second_head, now) or not merkle.grew(first, second, was, now, path):
            raise NotProved
        return Growth(first, second, was, now, path, first_head, second_head)

    async def _find(self, event: Recorded, leaf: bytes) -> tuple[int, int]:
        """The size that the tree has reached, and the index of a leaf. Raises: ProjectionBehind, NotProved."""
        size, position = await self._reached()
        if position < event.position:
            raise ProjectionBehind(retry_after_ms=1000)
        rows = await self._read.rows(statements.TILE_OF, {"position": event.position})
        leaves = tiles.split(bytes(rows[0][1])) if rows else []
        if leaf not in leaves:
            raise NotProved
        return size, rows[0][0] * WIDTH + leaves.index(leaf)

    async def _reached(self) -> tuple[int, int]:
        rows = await self._read.rows(statements.REACHED, {})
        return rows[0] if rows else (0, 0)

    async def _hashes(self, ranges: Sequence[range]) -> list[bytes]:
        """Raises: NotProved, Unavailable."""
        try:
            return tiles.hashes(ranges, await self._tiles(tiles.needed(ranges)))
        except TreeDamaged:
            raise NotProved from None

    async def _tiles(self, keys: Sequence[Key]) -> Mapping[Key, bytes]:
        found: dict[Key, bytes] = {}
        for begin in range(0, len(keys), statements.MOST):
            rows = await self._read.rows(statements.TILES, _parameters(keys[begin : begin + statements.MOST]))
            found |= {(level, number): bytes(hashes) for level, number, hashes in rows}
        return found


def _denies(head: SignedHead | None, root: bytes) -> bool:
    """Whether another root was signed."""
    return head is not None and head.head.root_hash != root


def _parameters(keys: Sequence[Key]) -> dict[str, int]:
    """Those of `TILES`; places that are not needed ask for no tile."""
    padded: Iterable[Key] = [*keys, *[(-1, -1)] * (statements.MOST - len(keys))]
    return {
        name: value
        for i, key in enumerate(padded)
        for name, value in zip((f"level{i}", f"number{i}"), key, strict=True)
    }
