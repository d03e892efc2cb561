"""Plays a room's past again: which events are due when, and what is asked of it meanwhile."""

import asyncio
from collections.abc import Sequence
from copy import copy
from itertools import takewhile
from typing import Literal, Protocol

from commands.clock import Milliseconds
from commands.subscription import Fact, Log, StoreUnavailable
from realtime.protocol import PAGE

FRESH_S = 0.25
"""What was read longer ago is read again before it is shown: it may have been redacted meanwhile."""
LATE_S = 1.0
"""Who is later than this (a slow reader, a store that was away) goes on from where they are, and does not rush."""
FEWEST = 8
RETRY_S = 0.5

type State = Literal["playing", "paused", "ended"]


class Audience(Protocol):
    """Who watches."""

    def show(self, facts: Sequence[Fact]) -> int:
        """Show the first of these, as many as can be taken at once; answers how many."""

    async def ready(self) -> None:
        """Wait until more can be taken."""

    def end(self) -> None:
        """That was all."""


class Pace:
    """When each event is due, in seconds of the event loop's clock.

    The first is due at once. Between two lies the time that lay between them when they happened, divided by `speed`
    and no longer than `max_gap_ms`. What is due later does not depend on how punctual the earlier ones were shown.
    """

    def __init__(self, speed: float, max_gap_ms: int) -> None:
        self.speed = speed
        self._max_gap_s = max_gap_ms / 1000
        self._due = 0.0
        self._happened: Milliseconds | None = None

    def due(self, fact: Fact) -> float:
        """When to show an event that comes next."""
        if self._happened is None or fact.event is None:
            return self._due
        between_s = max(0, fact.event.occurred_at - self._happened) / 1000
        return self._due + min(between_s / self.speed, self._max_gap_s)

    def take(self, fact: Fact) -> None:
        """It was shown."""
        self._due = self.due(fact)
        if fact.event:
            self._happened = max(self._happened or 0, fact.event.occurred_at)

    def hurry(self, speed: float, now: float) -> None:
        """Run at another speed from now on."""
        self._due = now - (now - self._due) * self.speed / speed
        self.speed = speed

    def delay(self, seconds: float) -> None:
        """Everything that comes is due later."""
        self._due += seconds

    def begin(self, now: float) -> None:
        """The next event is due now, whichever it is."""
        self._due, self._happened = now, None


class Player:
    """Plays the events `begin` to `end` of a room. `seq` is the last one that was shown, or passed over.

    What a reader may not see is a stub, also if it was redacted a moment ago; an `auditor` sees everything.
    """

    def __init__(self, log: Log, room: str, begin: int, end: int, pace: Pace, *, auditor: bool = False) -> None:
        self.room = room
        self.seq = begin - 1
        self.end = end
        self.state: State = "playing"
        self._log = log
        self._auditor = auditor
        self._pace = pace
        self._stride = FEWEST
        self._paused_at = 0.0
        self._asked = asyncio.Event()
        pace.begin(_now())

    @property
    def speed(self) -> float:
        """How many times as fast as it happened."""
        return self._pace.speed

    def pause(self) -> None:
        """Hold, if it plays."""
        if self.state == "playing":
            self.state = "paused"
            self._paused_at = _now()
            self._asked.set()

    def resume(self, speed: float | None = None) -> None:
        """Go on, if it was held; at another speed, if there is one."""
        if self.state == "paused":
            self.state = "playing"
            self._pace.delay(_now() - self._paused_at)
        if speed is not None:
            self._pace.hurry(speed, _now())
        self._asked.set()

    def seek(self, seq: int) -> None:
        """Go on with this event, which is due at once. What has come to its end plays again."""
        self.seq = seq - 1
        self._paused_at = _now()
        self._pace.begin(_now())
        if self.state == "ended":
            self.state = "playing"
        self._asked.set()

    async def run(self, audience: Audience) -> None:
        """Play, for ever: what has come to its end waits to be asked for more."""
        while True:
            self._asked.clear()
            if self.state == "playing" and self.seq >= self.end:
                self.state = "ended"
                audience.end()
            if self.state == "playing":
                await self._play_some(audience)
            else:
                await self._asked.wait()

    async def _play_some(self, audience: Audience) -> None:
        """Show what was read, as it becomes due, while it is fresh and nothing else is asked."""
        erased = self._log.erasures.count
        facts = await self._read()
        stale_at = _now() + FRESH_S
        shown = 0
        while shown < len(facts) and not self._asked.is_set() and self._is_fresh(stale_at, erased):
            due = self._due(facts[shown:])
            if not due:
                await self._wait(self._pace.due(facts[shown]) - _now())
                continue
            taken = due[: audience.show(due)]
            for fact in taken:
                self._pace.take(fact)
            shown += len(taken)
            self.seq = taken[-1].recorded.seq
            await audience.ready()
        self._stride = min(PAGE, max(FEWEST, 2 * shown))

    def _is_fresh(self, stale_at: float, erased: int) -> bool:
        """Whether what was read may still be shown: not for long, and not once somebody was erased since."""
        return _now() < stale_at and self._log.erasures.count == erased

    def _due(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those at the beginning that are due by now."""
        now = _now()
        if (late_s := now - self._pace.due(facts[0])) > LATE_S:
            self._pace.delay(late_s)
        upcoming = copy(self._pace)

        def is_due(fact: Fact) -> bool:
            due = upcoming.due(fact) <= now
            upcoming.take(fact)
            return due

        return list(takewhile(is_due, facts))

    async def _read(self) -> list[Fact]:
        """What comes next; nothing while the store is away."""
        try:
            facts = await self._log.read_room(
                self.room, after=self.seq, upto=self.end, limit=self._stride, auditor=self._auditor
            )
        except StoreUnavailable:
            facts = []
        if not facts:
            await self._wait(RETRY_S)
        return facts

    async def _wait(self, seconds: float) -> None:
        """Wait so long, or until something is asked."""
        try:
            async with asyncio.timeout(seconds):
                await self._asked.wait()
        except TimeoutError:
            return


def _now() -> float:
    return asyncio.get_running_loop().time()
