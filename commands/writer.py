"""The writer: every command of this process that arrives while a commit is in flight shares the next one.

One task takes what waits, forms a batch in which no entry depends on another, commits it, and tells each sender. An
entry that is refused is decided again; meanwhile later entries of the same person in the same room wait behind it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from commands.errors import Overloaded, Refusal, Unavailable
from commands.events import Numbered
from commands.store import (
    Condition,
    Conflict,
    Entry,
    Outcome,
    OutcomeUnknown,
    Recorded,
    Store,
    StoreUnavailable,
)

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
MAX_BATCH = 256
RESOLVE_FOR_S = 5.0
RETRY_AFTER_S = 0.5


class Proposal[T](Protocol):
    """A decided command on its way into the store."""

    @property
    def lane(self) -> tuple[str, str]:
        """Room and person: proposals of one lane are recorded in the order in which they were submitted."""

    @property
    def entry(self) -> Entry:
        """What is to be recorded, as last decided."""

    def recorded(self, numbers: Sequence[Numbered]) -> T:
        """The answer, now that the events are durable."""

    async def decide_again(self) -> T | None:
        """Decide anew from what the store says now: a new `entry`, or the answer if nothing needs recording."""


class _Waiting[T]:
    """A proposal in the queue, with the future of its answer and the subjects that it touches."""

    __slots__ = ("answer", "changes", "lane", "proposal", "rests_on", "touches")

    def __init__(self, proposal: Proposal[T], answer: asyncio.Future[T]) -> None:
        self.proposal = proposal
        self.answer = answer
        self.lane = proposal.lane
        self.look_at_entry()

    def look_at_entry(self) -> None:
        stream, conditions, events = self.proposal.entry
        own = {event.subject for event in events}
        self.changes = {(stream, subject) for subject in own}
        self.touches = {(stream, condition.subject) for condition in conditions}
        self.rests_on: Sequence[Condition] = [condition for condition in conditions if condition.subject not in own]

    def refuse(self, reason: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(reason)


class Writer:
    """Group commit into one store. Lives on one event loop; `submit` never blocks and its queue is bounded.

    `on_commit` gets the recorded events of every batch, in order, after they are durable; it must not raise.
    """

    def __init__(
        self,
        store: Store,
        on_commit: Callable[[Sequence[Recorded]], None],
        *,
        max_waiting: int = MAX_WAITING,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._store = store
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._queue: deque[_Waiting[Any]] = deque()
        self._deciding: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._down_until = 0.0

    def start(self) -> None:
        """Begin to commit what is submitted."""
        self._task = asyncio.create_task(self._run(), name="writer")

    async def close(self) -> None:
        """Take nothing new, commit what waits, and stop."""
        self._closing = True
        await self._idle.wait()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def submit[T](self, proposal: Proposal[T]) -> asyncio.Future[T]:
        """Queue a proposal. The future gives its answer once it is durable, or the reason for its refusal.

        Raises: Overloaded when too many wait; Unavailable while the store is away or the process is shutting down.
        """
        if self._closing or time.monotonic() < self._down_until:
            raise Unavailable(retry_after_ms=int(RETRY_AFTER_S * 1000))
        if len(self._queue) >= self._max_waiting:
            raise Overloaded(retry_after_ms=1000)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Waiting(proposal, answer))
        self._idle.clear()
        self._work.set()
        return answer

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while batch := self._next_batch():
                await self._commit(batch)
            if not self._queue and not self._deciding:
                self._idle.set()

    def _next_batch(self) -> list[_Waiting[Any]]:
        """Take from the queue, in order, every proposal that is independent of those taken before it."""
        batch: list[_Waiting[Any]] = []
        left: list[_Waiting[Any]] = []
        changed: set[tuple[str, str]] = set()
        held = set(self._deciding)
        rests_on: dict[tuple[str, str], Sequence[Condition]] = {}
        while self._queue and len(batch) < self._max_batch:
            waiting = self._queue.popleft()
            lane = waiting.lane
            alike = rests_on.setdefault(lane, waiting.rests_on) == waiting.rests_on
            if lane in held or not alike or not changed.isdisjoint(waiting.touches):
                held.add(lane)
                left.append(waiting)
            else:
                batch.append(waiting)
                changed |= waiting.changes
        self._queue.extendleft(reversed(left))
        return batch

    async def _commit(self, batch: list[_Waiting[Any]]) -> None:
        entries = [waiting.proposal.entry for waiting in batch]
        try:
            outcomes = await self._append(entries)
        except Exception as reason:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            self._give_up(batch, reason)
            return
        self._on_commit(_recorded(entries, outcomes))
        again: dict[tuple[str, str], list[_Waiting[Any]]] = {}
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Conflict):
                again.setdefault(waiting.lane, []).append(waiting)
            else:
                self._answer(waiting, outcome)
        for lane, conflicts in again.items():
            self._deciding[lane] = asyncio.create_task(self._decide_again(lane, conflicts))

    async def _append(self, entries: list[Entry]) -> list[Outcome]:
        """Append, and where the outcome of a commit is unknown, ask the store until it says."""
        try:
            return await self._store.append(entries)
        except OutcomeUnknown:
            log.warning(
                "the outcome of a commit of %d entries is unknown: asking the store",
                len(entries),
            )
        deadline = time.monotonic() + RESOLVE_FOR_S
        while True:
            try:
                return await self._store.append(entries, resolve=True)
            except (OutcomeUnknown, StoreUnavailable):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    def _answer[T](self, waiting: _Waiting[T], numbers: Sequence[Numbered]) -> None:
        answer = waiting.proposal.recorded(numbers)
        if not waiting.answer.done():
            waiting.answer.set_result(answer)

    def _give_up(self, batch: list[_Waiting[Any]], reason: Exception) -> None:
        """Refuse what waits, retryably, and let nobody wait for the store while it is away."""
        log.error("cannot append to the store: %r", reason)
        self._down_until = time.monotonic() + RETRY_AFTER_S
        for waiting in (*batch, *self._queue):
            waiting.refuse(Unavailable(retry_after_ms=int(RETRY_AFTER_S * 1000)))
        self._queue.clear()

    async def _decide_again(self, lane: tuple[str, str], conflicts: list[_Waiting[Any]]) -> None:
        """Decide what was refused once more, in order, and put it back in front of its lane."""
        ready = [waiting for waiting in conflicts if await self._redecided(waiting)]
        del self._deciding[lane]
        self._queue.extendleft(reversed(ready))
        self._work.set()

    async def _redecided[T](self, waiting: _Waiting[T]) -> bool:
        """Whether the proposal is to be recorded after all."""
        try:
            answer = await waiting.proposal.decide_again()
        except Refusal as refusal:
            waiting.refuse(refusal)
        except Exception as error:
            log.exception("deciding again failed")
            waiting.refuse(error)
        else:
            if answer is None:
                waiting.look_at_entry()
                return True
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
        return False


def _recorded(entries: list[Entry], outcomes: Sequence[Outcome]) -> list[Recorded]:
    return [
        Recorded(position, entry.stream, seq, event.topic, event.subject, event.state)
        for entry, outcome in zip(entries, outcomes, strict=True)
        if not isinstance(outcome, Conflict)
        for event, (seq, position) in zip(entry.events, outcome, strict=True)
    ]
