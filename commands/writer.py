"""The writer: every command of this process that arrives while a commit is in flight shares the next one.

One task takes what waits, forms a batch in which no entry depends on another, commits it, and tells each sender. An
entry that is refused is decided again; meanwhile later entries of the same person in the same room wait behind it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from commands.errors import Overloaded, Refusal, Unavailable
from commands.events import Numbered
from commands.store import Condition, Conflict, Entry, Outcome, OutcomeUnknown, Recorded, Store, StoreUnavailable, rows
from commands.tally import Appends
from commands.waiting import Proposal, Waiting

log = logging.getLogger(__name__)

MAX_WAITING = 10_000
MAX_BATCH = 256
RESOLVE_FOR_S = 5.0
RETRY_AFTER_S = 0.5
CLOSE_S = 3.0
CANCEL_S = 0.5


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
        self.tally = Appends()
        self._store = store
        self._on_commit = on_commit
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._queue: deque[Waiting[Any]] = deque()
        self._deciding: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._in_flight: list[Waiting[Any]] = []
        self._closing = False
        self._away = False

    @property
    def waiting(self) -> int:
        """How many proposals wait for a commit."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to commit what is submitted."""
        self._task = asyncio.create_task(self._run(), name="writer")

    async def close(self, *, within_s: float = CLOSE_S) -> None:
        """Take nothing new, commit what waits, and stop. What cannot be committed in time is refused, retryably."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        self._refuse(self._in_flight)
        tasks = [task for task in (self._task, *self._deciding.values()) if task]
        for task in tasks:
            task.cancel()
        if tasks:  # psycopg asks the server to cancel, and waits for it: one that hangs must not hold us up
            await asyncio.wait(tasks, timeout=CANCEL_S)
        self._idle.set()

    def submit[T](self, proposal: Proposal[T]) -> asyncio.Future[T]:
        """Queue a proposal. The future gives its answer once it is durable, or the reason for its refusal.

        Raises: Overloaded when too many wait; Unavailable while the store is away or the process is shutting down.
        """
        self.check()
        if len(self._queue) >= self._max_waiting:
            raise Overloaded(retry_after_ms=1000)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(Waiting(proposal, answer))
        self._idle.clear()
        self._work.set()
        return answer

    def check(self) -> None:
        """Whether it makes sense to submit anything now. Raises: Unavailable."""
        if self._closing or self._away:
            raise Unavailable(retry_after_ms=int(RETRY_AFTER_S * 1000))

    def doubt(self) -> None:
        """Somebody could not read the store: until it answers, refuse at once."""
        self._away = True
        self._work.set()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while batch := self._next_batch():
                await self._commit(batch)
            if not self._queue and not self._deciding:
                self._idle.set()
            await self._await_store()

    async def _await_store(self) -> None:
        """While the store is away, nobody's command has to find out."""
        while self._away:
            try:
                await self._store.last_position()
                self._away = False
            except Exception:  # noqa: BLE001  # whatever it is, the store does not answer
                await asyncio.sleep(RETRY_AFTER_S)

    def _next_batch(self) -> list[Waiting[Any]]:
        """Take from the queue, in order, every proposal that is independent of those taken before it."""
        batch: list[Waiting[Any]] = []
        left: list[Waiting[Any]] = []
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

    async def _commit(self, batch: list[Waiting[Any]]) -> None:
        self._in_flight = batch
        entries = [waiting.proposal.entry for waiting in batch]
        began = time.perf_counter()
        try:
            outcomes = await self._append(entries)
        except Exception as reason:  # noqa: BLE001  # whatever it is, nobody may wait for ever
            self._give_up(batch, reason)
            return
        self.tally.took_s.add(time.perf_counter() - began)
        recorded = rows(entries, outcomes)
        self.tally.events.add(len(recorded))
        self._on_commit(recorded)
        again: dict[tuple[str, str], list[Waiting[Any]]] = {}
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Conflict):
                self.tally.conflicts += 1
                again.setdefault(waiting.lane, []).append(waiting)
            else:
                self._answer(waiting, outcome)
        self._take_outdated(recorded, again)
        for lane, conflicts in again.items():
            self._deciding[lane] = asyncio.create_task(self._decide_again(lane, conflicts))

    def _take_outdated(self, recorded: Sequence[Recorded], again: dict[tuple[str, str], list[Waiting[Any]]]) -> None:
        """Move from the queue to those who decide again whoever this commit has outdated.

        The store would refuse them, but one commit each, where they all change the same subject.
        """
        reached = {(event.stream, event.subject): event.seq for event in recorded}
        staying: deque[Waiting[Any]] = deque()
        in_order = set(self._deciding)
        for waiting in self._queue:
            if waiting.lane not in in_order and waiting.is_outdated(reached):
                again.setdefault(waiting.lane, []).append(waiting)
            else:
                in_order.add(waiting.lane)
                staying.append(waiting)
        self._queue = staying

    async def _append(self, entries: list[Entry]) -> list[Outcome]:
        """Append, and where the outcome of a commit is unknown, ask the store until it says."""
        try:
            return await self._store.append(entries)
        except OutcomeUnknown:
            self.tally.unknown += 1
            log.warning("the outcome of a commit of %d entries is unknown: asking the store", len(entries))
        deadline = time.monotonic() + RESOLVE_FOR_S
        while True:
            try:
                return await self._store.append(entries, resolve=True)
            except (OutcomeUnknown, StoreUnavailable):
                self._away = True
                self._refuse([])
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    def _answer[T](self, waiting: Waiting[T], numbers: Sequence[Numbered]) -> None:
        answer = waiting.proposal.recorded(numbers)
        if not waiting.answer.done():
            waiting.answer.set_result(answer)

    def _give_up(self, batch: list[Waiting[Any]], reason: Exception) -> None:
        """Refuse what waits, retryably, and let nobody wait for the store while it is away."""
        self.tally.failed += 1
        log.error("cannot append to the store: %r", reason)
        self._away = True
        self._refuse(batch)

    def _refuse(self, batch: list[Waiting[Any]]) -> None:
        """Refuse these, and all that waits, retryably."""
        for waiting in (*batch, *self._queue):
            waiting.refuse(Unavailable(retry_after_ms=int(RETRY_AFTER_S * 1000)))
        self._queue.clear()

    async def _decide_again(self, lane: tuple[str, str], conflicts: list[Waiting[Any]]) -> None:
        """Decide what was refused once more, in order, and put it back in front of its lane."""
        try:
            ready = [waiting for waiting in conflicts if await self._redecided(waiting)]
        except asyncio.CancelledError:
            self._refuse(conflicts)
            raise
        del self._deciding[lane]
        self._queue.extendleft(reversed(ready))
        self._work.set()

    async def _redecided[T](self, waiting: Waiting[T]) -> bool:
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
