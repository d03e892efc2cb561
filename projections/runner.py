"""The runner: brings the projections to the end of the log and keeps them there."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Literal

from django.db import connection

from commands.people import ERASED, EXPIRED
from commands.subscription import Fact, Log
from projections.applying import Applier
from projections.forgetting import leave_nothing
from projections.known import KNOWN
from projections.leading import Lead
from projections.projection import Projection
from projections.proof import Proof
from projections.signing import Signer

log = logging.getLogger(__name__)

BATCH = 4000
HEARTBEAT_EVERY_S = 3.0
STANDBY_POLL_S = 1.0
REST = 3
"""Live, it rests for so many times as long as it worked, so that a batch holds more and commits are fewer."""
LONGEST_REST_S = 0.05
SHORT_REST_S = 0.02
FEW = 64
"""With more events than that it rests after each projection for as long as that took, at most `SHORT_REST_S`: whoever
shares a processor with it is held up for a moment only."""
PATIENCE_S = 1.0
"""For so long events are held for projections that can wait, unless there are `BATCH` of them or the log's end is
reached."""
LONGEST_BACK_OFF_S = 5.0
CLEAN_EVERY_S = 5.0


class Runner:
    """Follows the log for all projections; leads them, or stands by until the leader is gone. The leader signs.

    Works on a thread of its own with Django's connection of that thread, so that the event loop is never blocked.
    """

    def __init__(
        self, following: Log, projections: Sequence[Projection] | None = None, *, signer: Signer | None = None
    ) -> None:
        self._log = following
        self._appliers = [Applier(each) for each in projections or KNOWN]
        self._signer = signer
        self._lead = Lead([applier.projection.name for applier in self._appliers])
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="projections")
        self._held: list[Fact] = []
        self._held_since = 0.0
        self._stopping = asyncio.Event()
        self._beaten_at = 0.0
        self._failures = 0
        self._is_clean = True
        self._clean_at = 0.0

    async def run(self) -> None:
        """Run until `stop`. Nothing that happens to the databases ends it."""
        try:
            while not self._stopping.is_set():
                await self._lead_or_stand_by()
        finally:
            await self._on_thread(self._disconnect)
            self._thread.shutdown()

    def stop(self) -> None:
        """Stop soon, between two batches."""
        self._stopping.set()

    async def _lead_or_stand_by(self) -> None:
        try:
            if await self._on_thread(self._lead.take):
                await self._follow()
            else:
                await self._pause(STANDBY_POLL_S)
        except Exception:
            self._failures += 1
            log.exception("the projections stopped; they start again from their checkpoints")
            await self._on_thread(self._disconnect)
            back_off_s = min(LONGEST_BACK_OFF_S, 0.1 * 2 ** min(self._failures, 10))
            await self._pause(back_off_s * random.uniform(0.5, 1))  # noqa: S311

    async def _follow(self) -> None:
        for applier in self._appliers:
            await self._on_thread(applier.load)
        self._held.clear()
        after = min(applier.position for applier in self._appliers)
        stopped = asyncio.create_task(self._stopping.wait())
        batches = self._log.follow(after=after, limit=BATCH)
        try:
            while (facts := await _next(batches, stopped)) is not None:
                rest_s = await self._apply(facts)
                await self._wipe(facts)
                await self._heartbeat()
                await self._sign()
                self._failures = 0
                await self._pause(rest_s)
        finally:
            stopped.cancel()
            await batches.aclose()

    async def _apply(self, facts: Sequence[Fact]) -> float:
        """Apply a batch to every projection; answers for how many seconds to rest then."""
        worked_s = rested_s = 0.0
        held = self._hold(facts)
        for applier in self._appliers:
            given = held if applier.projection.can_wait else facts
            if not given:
                continue
            began = time.monotonic()
            await self._on_thread(partial(applier.apply, given))
            took_s = time.monotonic() - began
            worked_s += took_s
            if FEW < len(facts) < BATCH:
                rested_s += await self._pause(min(SHORT_REST_S, took_s))
        return min(LONGEST_REST_S, REST * worked_s) - rested_s if len(facts) < BATCH else 0.0

    def _hold(self, facts: Sequence[Fact]) -> Sequence[Fact]:
        """Hold a batch for those that can wait; answers all that is held if now is the time for it."""
        if not self._held:
            self._held_since = time.monotonic()
        self._held += facts
        if facts and len(self._held) < BATCH and time.monotonic() < self._held_since + PATIENCE_S:
            return ()
        held, self._held = self._held, []
        return held

    async def _wipe(self, facts: Sequence[Fact]) -> None:
        """After somebody was erased, see to it that nothing has their words, however long that takes."""
        if any(fact.recorded.topic in (ERASED, EXPIRED) for fact in facts):
            self._is_clean, self._clean_at = False, 0.0
        if not self._is_clean and time.monotonic() >= self._clean_at:
            self._is_clean = await self._on_thread(leave_nothing)
            self._clean_at = time.monotonic() + CLEAN_EVERY_S

    async def _heartbeat(self) -> None:
        if time.monotonic() - self._beaten_at > HEARTBEAT_EVERY_S:
            self._beaten_at = time.monotonic()
            await self._on_thread(self._lead.check)
            for applier in self._appliers:
                await self._on_thread(applier.heartbeat)

    async def _sign(self) -> None:
        """Sign what the tree has become, if it is time to."""
        for applier in self._appliers:
            if self._signer and applier.projection.name == Proof.name and self._signer.is_due(applier.position):
                await self._on_thread(partial(self._signer.sign, applier.position))

    async def _on_thread[T](self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _disconnect(self) -> None:
        self._lead.give_up()
        connection.close()

    async def _pause(self, seconds: float) -> float:
        """Do nothing for a while, or until it is to stop; answers `seconds`."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
        return seconds


async def _next(batches: AsyncGenerator[list[Fact]], stopped: asyncio.Task[Literal[True]]) -> list[Fact] | None:
    """The next batch, or None if it is time to stop before it comes."""
    coming = asyncio.ensure_future(anext(batches))
    try:
        await asyncio.wait((coming, stopped), return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() and not stopped.done() else None
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
