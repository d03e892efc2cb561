"""What proves an export: the places of its events in the tree, and the server's signature below its manifest."""

from collections.abc import Sequence
from typing import Any

from archive import signatures
from commands.subscription import Recorded
from commands.treehead import SigningKey, members
from projections.queries import Queries
from projections.walk import Place, Walk


class Prover:
    """Makes proofs for exports, with the key that signs the tree's heads."""

    def __init__(self, queries: Queries, key: SigningKey) -> None:
        self._queries = queries
        self._key = key

    async def begin(self, position: int) -> "Proof":
        """The proof of an export that goes up to a position. Raises: NotProved, Unavailable."""
        return Proof(await self._queries.walks.begin(position, self._key.sign))

    def sign(self, encoded: bytes) -> bytes:
        """The manifest's line, from what it says as it is encoded."""
        return signatures.sign(encoded, self._key)


class Proof:
    """The proof of one export, as it comes to be. Where there is no tree yet, nothing is proved."""

    def __init__(self, walk: Walk | None) -> None:
        self._walk = walk

    @property
    def position(self) -> int:
        """The last position in the tree, 0 if there is none."""
        return self._walk.head.head.position if self._walk else 0

    async def places(self, events: Sequence[Recorded]) -> Sequence[Place | None]:
        """Where the next events are in the tree. Raises: NotProved, Unavailable."""
        return await self._walk.places(events) if self._walk else [None] * len(events)

    async def end(self) -> dict[str, Any]:
        """The manifest's members about the tree. Raises: NotProved, Unavailable."""
        if self._walk is None:
            return {}
        return {"gap": await self._walk.end(), "tree_head": members(self._walk.head)}
