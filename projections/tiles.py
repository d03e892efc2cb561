"""Tiles: the hashes of the tree as they are kept, up to 256 of one level side by side.

A tile of level 0 holds leaves; one of level 1 the roots of complete tiles of level 0, and so on. Every node of the tree
is in one tile, or is hashed from a part of one: a proof in a log of ten million events needs six tiles.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from commands import merkle
from commands.merkle import HASH_BYTES, Node

HEIGHT = 8
WIDTH = 1 << HEIGHT
TILE_BYTES = WIDTH * HASH_BYTES

type Key = tuple[int, int]
"""A tile's level and its number, from 0, within it."""


class Tile(NamedTuple):
    """Hashes side by side, and the positions of the first and the last event under them."""

    level: int
    number: int
    first_position: int
    last_position: int
    hashes: bytes

    @property
    def is_full(self) -> bool:
        return len(self.hashes) == TILE_BYTES

    def root(self) -> bytes:
        """The hash over all of it, which is in the tile above if this one is full."""
        return merkle.root(split(self.hashes))


class TreeDamaged(Exception):
    """Hashes are missing that must have been kept."""


def split(hashes: bytes) -> list[bytes]:
    """The hashes that are joined here, one by one."""
    return [hashes[begin : begin + HASH_BYTES] for begin in range(0, len(hashes), HASH_BYTES)]


def needed(ranges: Iterable[range]) -> list[Key]:
    """The tiles from which the hashes over these ranges of leaves can be made, each once."""
    return list(dict.fromkeys(_home(node) for leaves in ranges for node in merkle.nodes(leaves)))


def hashes(ranges: Iterable[range], tiles: Mapping[Key, bytes]) -> list[bytes]:
    """The hash over each of these ranges of leaves, made from the tiles' hashes. Raises: TreeDamaged."""
    return [merkle.range_hash(leaves, lambda node: _hash_of(node, tiles)) for leaves in ranges]


def _home(node: Node) -> Key:
    """The tile that a node is in, or is hashed from."""
    level, height = divmod(node.level, HEIGHT)
    return level, (node.number << height) // WIDTH


def _hash_of(node: Node, tiles: Mapping[Key, bytes]) -> bytes:
    height = node.level % HEIGHT
    begin = (node.number << height) % WIDTH * HASH_BYTES
    part: Sequence[bytes] = split(tiles.get(_home(node), b"")[begin : begin + (HASH_BYTES << height)])
    if len(part) != 1 << height or len(part[-1]) != HASH_BYTES:
        raise TreeDamaged(f"of the node {node.number} of level {node.level} hashes are missing")
    return merkle.root(part)
