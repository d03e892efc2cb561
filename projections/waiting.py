"""Waiting for a projection to come as far as somebody was promised."""

import asyncio

from commands.errors import ProjectionBehind
from projections import statements
from projections.reading import Reading

WAIT_S = 2.0
LOOK_EVERY_S = 0.02


class Waits:
    """Everybody in this process who waits for the same projection shares one look at its checkpoint."""

    def __init__(self, read: Reading) -> None:
        self._read = read
        self._waits: dict[str, _Wait] = {}

    async def until(self, projection: str, position: int | None) -> None:
        """Wait until a projection has come that far, at most 2 s. Raises: ProjectionBehind, Unavailable."""
        if position is not None:
            wait = self._waits.get(projection)
            if wait is None:
                wait = self._waits[projection] = _Wait(self._read, projection)
            await wait.until(position)

    def cancel(self) -> None:
        """Look no more."""
        for wait in self._waits.values():
            wait.cancel()


class _Wait:
    """Everybody in this process who waits for one projection shares one look at its checkpoint."""

    def __init__(self, read: Reading, projection: str) -> None:
        self._read = read
        self._projection = projection
        self._reached = 0
        self._looking: asyncio.Task[None] | None = None

    async def until(self, position: int) -> None:
        """Raises: ProjectionBehind, Unavailable."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while self._reached < position:
            if asyncio.get_running_loop().time() > deadline:
                raise ProjectionBehind(retry_after_ms=1000)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
                self._looking.add_done_callback(_forgive)
            await asyncio.shield(self._looking)

    def cancel(self) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()

    async def _look(self) -> None:
        rows = await self._read.rows(statements.CHECKPOINT, {"projection": self._projection})
        reached = rows[0][0] if rows else 0
        if reached == self._reached:
            await asyncio.sleep(LOOK_EVERY_S)
        self._reached = max(self._reached, reached)


def _forgive(looking: asyncio.Task[None]) -> None:
    """Whoever still waits hears of the failure; if all have gone away, nobody needs to."""
    if not looking.cancelled():
        looking.exception()
