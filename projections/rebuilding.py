"""Rebuilding projections beside those in use, on a running deployment: one pass over the log for all of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import NamedTuple

from commands.subscription import Log
from projections.beside import Beside, Stretch
from projections.comparing import Comparison
from projections.leading import Turn
from projections.projection import Projection
from projections.sql import disconnect

BATCH = 8_000
"""The more at once, the more changes of a message, or a room, are one; the longer, too, one transaction."""
WITHIN_S = 60.0
AGAIN_S = 0.1


class Progress(NamedTuple):
    """How far it has come: the position reached, the one to reach, events a second, and how long it may still take."""

    position: int
    target: int
    events_per_s: float
    eta_s: float | None


class RebuildRunning(Exception):
    """Another process is rebuilding already."""


class LogEnds(Exception):
    """The log ends before the version in use does: it is not the log that this was projected from."""


class SomebodyReads(Exception):
    """Somebody has been reading the tables for long, as a backup does, so that they could not be exchanged."""


class Rebuilding:
    """Rebuilds projections, or puts back what was kept of them. Works on a thread of its own; tells its progress.

    `give_way` lowers the priority of the thread that calls it, and of those that this one starts. It is that of all
    work but the exchange, for which others wait: that is done on a thread which was there before.
    """

    def __init__(
        self,
        log: Log,
        projections: Sequence[Projection],
        tell: Callable[[Progress], None],
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._log = log
        self._names = [projection.name for projection in projections]
        self._projections = projections
        self._tell = tell
        self._give_way = give_way
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="rebuild")
        self._prompt = ThreadPoolExecutor(1, thread_name_prefix="exchange")

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[list[Beside]]:
        """Have these projections for ourselves, until the end of `with`. Raises: RebuildRunning."""
        turn = Turn(self._names)
        await self._promptly(time.monotonic)  # so that it has been started
        self._give_way()
        try:
            if not await self.on_thread(turn.take):
                raise RebuildRunning(
                    f"Another process is rebuilding {' or '.join(self._names)}: wait until it is done."
                )
            yield [await self.on_thread(partial(Beside, projection)) for projection in self._projections]
        finally:
            await self.on_thread(turn.give_up)
            await self.on_thread(disconnect)
            await self._promptly(disconnect)
            self._thread.shutdown()
            self._prompt.shutdown()

    async def bring_forward(self, versions: Sequence[Beside]) -> None:
        """Bring them to where those in use are now. Raises: LostLead, WentBack, StoreUnavailable.

        Nothing is done at the same time as something else, so that with the database's part in it this takes less than
        one core.
        """
        pace = _Pace(versions)
        while (stretch := await self._read(min(each.position for each in versions))).facts:
            for each in versions:
                await self.on_thread(partial(each.apply, stretch))
                self._tell(pace.progress())
            if min(each.position for each in versions) < stretch.last:
                break  # those in use have not come so far
        self._tell(pace.progress())

    async def compare(self, version: Beside) -> Comparison:
        """Compare it with the one in use, at one position. Raises: LogEnds, LostLead, WentBack, StoreUnavailable."""
        await self.on_thread(version.finish)
        deadline = time.monotonic() + WITHIN_S
        while True:
            stretch = await self._read(version.position)
            if comparison := await self.on_thread(partial(version.compare, stretch)):
                return comparison
            if stretch.facts:
                deadline = time.monotonic() + WITHIN_S
            elif time.monotonic() > deadline:
                raise LogEnds(f"{version.projection.name} is at {version.target}, and the log ends before that.")
            else:
                await asyncio.sleep(AGAIN_S)

    async def exchange(self, version: Beside) -> None:
        """Put it in use, and keep the other. Raises: SomebodyReads, LostLead, WentBack, StoreUnavailable."""
        deadline = time.monotonic() + WITHIN_S
        while not await self._promptly(partial(version.exchange, await self._read(version.position))):
            if time.monotonic() > deadline:
                raise SomebodyReads(
                    f"{version.projection.name} could not be exchanged: somebody reads its tables without a pause."
                )
            await asyncio.sleep(AGAIN_S)

    async def on_thread[T](self, work: Callable[[], T]) -> T:
        """Do something on the thread that has the connection."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _promptly[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._prompt, work)

    async def _read(self, after: int) -> Stretch:
        return Stretch(after, await self._log.read_all(after=after, limit=BATCH))


class _Pace:
    """How fast it goes, since it set out."""

    def __init__(self, versions: Sequence[Beside]) -> None:
        self._versions = versions
        self._began_at = time.monotonic()
        self._began_from = min(each.position for each in versions)

    def progress(self) -> Progress:
        position = min(each.position for each in self._versions)
        target = max(each.target for each in self._versions)
        rate = (position - self._began_from) / max(time.monotonic() - self._began_at, 1e-6)
        return Progress(position, target, rate, (target - position) / rate if rate else None)
