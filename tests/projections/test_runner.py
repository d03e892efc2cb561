"""The runner: keeps up, parks what it cannot read, leads alone, and outlives its databases."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import cast

import psycopg
import pytest

from commands.subscription import Fact, Log
from projections import checkpoints, runner
from projections.applying import Applier
from projections.history import History
from projections.runner import FEW, Runner
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, Running, execute, on_django, said, tables
from tests.projections.test_parking import retry


async def until(true: Callable[[], Awaitable[bool]], within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not await true():
            await asyncio.sleep(0.02)


async def test_what_is_said_while_it_runs_can_be_read(deployment: Deployment) -> None:
    await deployment.say(ADA, "before")
    async with Running(deployment):
        for i in range(20):
            (receipt,) = await deployment.say(GRACE, f"line {i}")
            page = await deployment.page(min_position=receipt.position)
            assert said(page)[-1] == f"line {i}"


class Slow:
    """A read model to which a batch takes a while, by a clock of its own."""

    now = 0.0

    def __init__(self, took_s: float, *, can_wait: bool = False) -> None:
        self._took_s = took_s
        self.projection = SimpleNamespace(can_wait=can_wait)
        self.given: list[int] = []

    def apply(self, facts: Sequence[Fact]) -> None:
        Slow.now += self._took_s
        self.given.append(len(facts))


@pytest.mark.parametrize(
    ("events", "took_s", "rests", "last_s"),
    [
        (1, 0.004, [], 0.036),
        (FEW, 0.004, [], 0.036),
        (FEW + 1, 0.004, [0.004] * 3, 0.024),
        (runner.BATCH - 1, 0.03, [0.02] * 3, -0.01),
        (runner.BATCH, 0.03, [], 0),
    ],
)
async def test_with_more_than_a_few_events_it_rests_after_each_read_model_unless_it_is_behind(
    monkeypatch: pytest.MonkeyPatch, events: int, took_s: float, rests: list[float], last_s: float
) -> None:
    pauses: list[float] = []

    async def pause(_: Runner, seconds: float) -> float:
        pauses.append(seconds)
        return seconds

    monkeypatch.setattr(Runner, "_pause", pause)
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: Slow.now))
    working = Runner(cast(Log, None))
    working._appliers = cast(list[Applier], [Slow(took_s)] * 3)
    assert await working._apply(cast(list[Fact], [None] * events)) == pytest.approx(last_s)
    assert pauses == pytest.approx(rests)
    working._thread.shutdown()


async def test_what_can_wait_is_given_more_at_a_time_up_to_a_second_later_and_all_at_the_end_of_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "time", SimpleNamespace(monotonic=lambda: Slow.now))
    monkeypatch.setattr(runner, "BATCH", 10)
    working, prompt, patient = Runner(cast(Log, None)), Slow(0.4), Slow(0, can_wait=True)
    working._appliers = cast(list[Applier], [prompt, patient])
    for events, given in ((1, []), (2, []), (3, []), (1, [7]), (2, [7]), (0, [7, 2]), (0, [7, 2]), (10, [7, 2, 10])):
        await working._apply(cast(list[Fact], [None] * events))
        assert patient.given == given
    assert prompt.given == [1, 2, 3, 1, 2, 10]
    working._thread.shutdown()


async def test_a_broken_event_parks_its_room_and_the_rest_goes_on(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    await deployment.say(ADA, "in general")
    await deployment.spoil(GENERAL, 3)
    await deployment.say(ADA, "after the break")
    await deployment.say(ADA, "in the garden", room=GARDEN)
    await deployment.project()
    assert said(await deployment.page(GARDEN)) == ["in the garden"]
    parked = execute("SELECT projection, room, seq FROM parked_room ORDER BY projection")
    assert parked == [("directory", GENERAL, 3), ("history", GENERAL, 3)]
    assert "parks room general at seq 3" in caplog.text
    await deployment.say(ADA, "still in the garden", room=GARDEN)
    await deployment.project()
    assert said(await deployment.page(GARDEN))[-1] == "still in the garden"


async def test_a_parked_room_can_be_released_and_has_missed_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.say(ADA, "one", "two")

    def fails(*_: object, **__: object) -> None:
        raise ValueError("one of the words that were said")

    with monkeypatch.context() as bug:
        bug.setattr("projections.items.posted", fails)
        await deployment.project()
    assert execute("SELECT projection, error FROM parked_room") == [("history", "ValueError")]
    await deployment.say(ADA, "three")
    async with Running(deployment):
        await until(lambda: _beaten(deployment))
        assert await retry(deployment) == [True]
        (receipt,) = await deployment.say(ADA, "four")
        assert said(await deployment.page(min_position=receipt.position)) == ["one", "two", "three", "four"]


async def _beaten(deployment: Deployment) -> bool:
    last = await deployment.log.last_position()
    return all(status.position == last for status in await deployment.queries.projections())


async def test_who_lost_the_lead_without_noticing_changes_nothing(deployment: Deployment) -> None:
    await deployment.say(ADA, "one")
    (ousted,) = await deployment.project(History())
    await deployment.say(ADA, "two")
    await deployment.project(History())
    kept = tables()
    await deployment.say(ADA, "three")
    facts = await deployment.log.read_all(after=ousted.position, limit=100)
    with pytest.raises(checkpoints.LostLead):
        on_django(partial(ousted.apply, facts))
    with pytest.raises(checkpoints.LostLead):
        on_django(ousted.heartbeat)
    assert tables() == kept


async def test_a_batch_and_its_checkpoint_are_committed_together(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.say(ADA, "one")
    applier = Applier(History())
    on_django(applier.load)

    def lost(*_: object) -> None:
        raise checkpoints.LostLead("history")

    monkeypatch.setattr(checkpoints, "move", lost)
    facts = await deployment.log.read_all(after=0, limit=100)
    with pytest.raises(checkpoints.LostLead):
        on_django(partial(applier.apply, facts))
    assert execute("SELECT count(*) FROM history_item") == [(0,)]


async def test_an_outage_of_any_length_is_survived(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await deployment.say(ADA, "before")
    monkeypatch.setattr("projections.runner.LONGEST_BACK_OFF_S", 0.0001)
    with monkeypatch.context() as outage:
        outage.setattr("projections.leading.Lead.take", _away)
        async with Running(deployment) as runner:
            runner._failures = 1000
            await until(lambda: _has_failed(runner, 1100))
            outage.undo()
            await until(lambda: _reads(deployment, ["before"]))
            await until(lambda: _has_recovered(runner))


def _away(_: object) -> bool:
    raise psycopg.OperationalError("away")


async def _has_failed(runner: Runner, times: int) -> bool:
    return runner._failures >= times


async def _has_recovered(runner: Runner) -> bool:
    return runner._failures == 0


async def test_a_runner_can_be_cancelled_while_it_waits(deployment: Deployment) -> None:
    (receipt,) = await deployment.say(ADA, "before")
    running = asyncio.create_task(Runner(deployment.log).run())
    await deployment.page(min_position=receipt.position)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_one_leads_and_the_other_takes_over_when_it_is_gone(deployment: Deployment, database: str) -> None:
    if database.startswith("sqlite"):
        pytest.skip("on SQLite there is one process")
    async with Running(deployment), Running(deployment):
        await deployment.say(ADA, "one")
        await until(lambda: _reads(deployment, ["one"]))
        held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1986359920"
        with psycopg.connect(database, autocommit=True) as operator:
            leaders = {row[0] for row in operator.execute(held)}
            assert len(leaders) == 1
            operator.execute("SELECT pg_terminate_backend(%s)", [leaders.pop()])
        (receipt,) = await deployment.say(ADA, "two")
        await until(lambda: _reads(deployment, ["one", "two"]), within_s=5)
    assert receipt.seq == 3


async def _reads(deployment: Deployment, texts: list[str]) -> bool:
    return said(await deployment.page()) == texts
