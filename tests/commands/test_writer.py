"""The writer: group commit, order, refusals, unknown outcomes, and draining."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from commands.errors import Forbidden, Overloaded, Unavailable
from commands.events import Numbered
from commands.store import (
    Condition,
    Entry,
    NewEvent,
    Outcome,
    OutcomeUnknown,
    Recorded,
    Store,
    StoreUnavailable,
)
from commands.writer import Writer


class Gate:
    """A real store behind a gate: counts commits, can hold them, and can lose the connection around them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.batches: list[int] = []
        self.opened = asyncio.Event()
        self.opened.set()
        self.cut: list[str] = []
        self.gone = False

    async def append(self, batch: Sequence[Entry], *, resolve: bool = False) -> list[Outcome]:
        await self.opened.wait()
        self.batches.append(len(batch))
        fault = self.cut.pop(0) if self.cut else ""
        if fault == "away":
            raise StoreUnavailable("away")
        if fault == "before":
            raise OutcomeUnknown("cut before the commit")
        outcomes = await self._store.append(batch, resolve=resolve)
        if fault == "after":
            raise OutcomeUnknown("cut after the commit")
        return outcomes

    async def last_position(self) -> int:
        if self.gone:
            raise StoreUnavailable("gone")
        return await self._store.last_position()


class Note:
    """A proposal that records one event, and on conflict does what it was told to."""

    def __init__(self, room: str, person: str, text: str, *rests_on: Condition, again: str = "") -> None:
        self.lane = (room, person)
        self.text = text
        self.decided = 0
        self._again = again
        self._event = NewEvent("note", f"note:{text}", text.encode())
        self.entry = Entry(room, [*rests_on, Condition(f"note:{text}", 0)], [self._event])

    def recorded(self, numbers: Sequence[Numbered]) -> int:
        return numbers[0].seq

    async def decide_again(self) -> int | None:
        self.decided += 1
        if self._again == "hang":
            await asyncio.Event().wait()
        if self._again == "refuse":
            raise Forbidden
        if self._again == "known":
            return -1
        if self._again == "fail":
            raise RuntimeError("a bug")
        self.entry = Entry(self.lane[0], [Condition(f"note:{self.text}", 0)], [self._event])
        return None


@pytest.fixture
async def gate(store: Store) -> Gate:
    return Gate(store)


@pytest.fixture
def committed() -> list[Recorded]:
    return []


@pytest.fixture
async def writer(gate: Gate, committed: list[Recorded]) -> AsyncIterator[Writer]:
    writer = Writer(gate, committed.extend, max_waiting=50)  # type: ignore[arg-type]  # only append is asked of it
    writer.start()
    yield writer
    gate.opened.set()
    await writer.close()


async def written(store: Store, room: str) -> list[str]:
    return [row.state.decode() for row in await store.read_stream(room)]


async def test_what_arrives_while_a_commit_is_in_flight_shares_the_next_one(writer: Writer, gate: Gate) -> None:
    gate.opened.clear()
    first = writer.submit(Note("general", "ada", "one"))
    await asyncio.sleep(0)
    others = [writer.submit(Note("general", f"p{i}", f"more {i}")) for i in range(20)]
    gate.opened.set()
    assert await first == 1
    assert await asyncio.gather(*others) == list(range(2, 22))
    assert gate.batches == [1, 20]


async def test_events_are_handed_on_in_order_once_they_are_durable(
    writer: Writer, store: Store, committed: list[Recorded]
) -> None:
    await asyncio.gather(*(writer.submit(Note("general", "ada", str(i))) for i in range(10)))
    assert committed == await store.read_all(after=0)


async def test_a_conflict_is_refused_alone_and_decided_again(writer: Writer, gate: Gate, store: Store) -> None:
    await writer.submit(Note("general", "ada", "taken"))
    gate.opened.clear()
    unlucky = Note("general", "grace", "second", Condition("note:taken", 0))
    answers = [writer.submit(unlucky), writer.submit(Note("general", "linus", "third"))]
    gate.opened.set()
    await asyncio.gather(*answers)
    assert unlucky.decided == 1
    assert sorted(await written(store, "general")) == ["second", "taken", "third"]


async def test_a_persons_entries_keep_their_order_behind_one_that_is_decided_again(
    writer: Writer, gate: Gate, store: Store
) -> None:
    await writer.submit(Note("general", "ada", "taken"))
    gate.opened.clear()
    stale = Note("general", "grace", "first", Condition("note:taken", 0))
    answers = [writer.submit(stale), *(writer.submit(Note("general", "grace", f"then {i}")) for i in range(5))]
    gate.opened.set()
    await asyncio.gather(*answers)
    assert await written(store, "general") == ["taken", "first", *(f"then {i}" for i in range(5))]


async def test_two_entries_about_one_subject_never_share_a_commit(writer: Writer, gate: Gate) -> None:
    gate.opened.clear()
    held = writer.submit(Note("general", "linus", "other"))
    await asyncio.sleep(0)
    same = [writer.submit(Note("general", person, "same", again="known")) for person in ("ada", "grace")]
    gate.opened.set()
    assert await held == 1
    assert sorted(await asyncio.gather(*same)) == [-1, 2]
    assert gate.batches == [1, 1]


@pytest.mark.parametrize(("again", "reason"), [("refuse", Forbidden), ("fail", RuntimeError)])
async def test_what_is_refused_when_decided_again_tells_its_sender(
    writer: Writer, again: str, reason: type[Exception]
) -> None:
    await writer.submit(Note("general", "ada", "taken"))
    with pytest.raises(reason):
        await writer.submit(Note("general", "grace", "no", Condition("note:taken", 0), again=again))
    assert await writer.submit(Note("general", "grace", "yes")) == 2


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_an_unknown_outcome_is_asked_of_the_store(writer: Writer, gate: Gate, store: Store, cut: str) -> None:
    gate.cut = [cut, "away", "before"]
    answers = [writer.submit(Note("general", "ada", f"line {i}")) for i in range(3)]
    assert await asyncio.gather(*answers) == [1, 2, 3]
    assert await written(store, "general") == ["line 0", "line 1", "line 2"]


async def test_while_the_store_is_away_commands_are_refused_at_once(writer: Writer, gate: Gate) -> None:
    gate.cut = ["away"]
    with pytest.raises(Unavailable) as refused:
        await writer.submit(Note("general", "ada", "lost"))
    assert refused.value.retryable
    assert refused.value.retry_after_ms
    with pytest.raises(Unavailable):
        writer.submit(Note("general", "ada", "refused before it is queued"))


async def test_the_store_is_tried_again_after_a_moment(writer: Writer, gate: Gate) -> None:
    gate.cut = ["away"]
    with pytest.raises(Unavailable):
        await writer.submit(Note("general", "ada", "lost"))
    async with asyncio.timeout(5):
        while True:
            try:
                assert await writer.submit(Note("general", "ada", "lost")) == 1
                break
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_a_full_queue_pushes_back(writer: Writer, gate: Gate) -> None:
    gate.opened.clear()
    waiting = [writer.submit(Note("general", "ada", str(i))) for i in range(50)]

    async def flood() -> None:
        for i in range(50, 110):
            waiting.append(writer.submit(Note("general", "ada", str(i))))
            await asyncio.sleep(0)

    with pytest.raises(Overloaded):
        await flood()
    gate.opened.set()
    assert sorted(await asyncio.gather(*waiting)) == list(range(1, len(waiting) + 1))


async def test_closing_commits_what_waits_and_takes_nothing_new(writer: Writer, gate: Gate, store: Store) -> None:
    gate.opened.clear()
    waiting = [writer.submit(Note("general", "ada", str(i))) for i in range(5)]
    closing = asyncio.create_task(writer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        writer.submit(Note("general", "ada", "too late"))
    gate.opened.set()
    await closing
    assert await asyncio.gather(*waiting) == [1, 2, 3, 4, 5]
    assert len(await written(store, "general")) == 5


async def test_closing_refuses_those_whose_decision_hangs_and_waits_once(writer: Writer) -> None:
    await writer.submit(Note("general", "ada", "taken"))
    stale = Note("general", "grace", "first", Condition("note:taken", 0), again="hang")
    waiting = [writer.submit(stale), writer.submit(Note("general", "grace", "behind it"))]
    async with asyncio.timeout(2):
        while not stale.decided:
            await asyncio.sleep(0)
        await writer.close(within_s=0)
        await writer.close(within_s=60)
        for refused in waiting:
            with pytest.raises(Unavailable):
                await refused


async def test_closing_refuses_what_cannot_be_committed_in_time(writer: Writer, gate: Gate) -> None:
    gate.opened.clear()
    in_flight = writer.submit(Note("general", "ada", "in flight"))
    await asyncio.sleep(0)
    queued = writer.submit(Note("general", "grace", "queued"))
    await writer.close(within_s=0)
    for refused in (in_flight, queued):
        with pytest.raises(Unavailable):
            await refused


async def test_while_an_outcome_is_unknown_and_the_store_away_nobody_has_to_wait(writer: Writer, gate: Gate) -> None:
    gate.cut = ["after", "away", "away"]
    unknown = writer.submit(Note("general", "ada", "recorded"))
    async with asyncio.timeout(2):
        while len(gate.batches) < 2:
            await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        writer.submit(Note("general", "grace", "refused at once"))
    assert await unknown == 1


async def test_who_finds_the_store_away_spares_others_from_finding_out(writer: Writer, gate: Gate) -> None:
    gate.gone = True
    writer.doubt()
    with pytest.raises(Unavailable):
        writer.check()
    gate.gone = False
    async with asyncio.timeout(5):
        while True:
            try:
                writer.check()
                break
            except Unavailable:
                await asyncio.sleep(0.01)
    assert await writer.submit(Note("general", "ada", "hello")) == 1
