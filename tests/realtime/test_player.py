"""When the events of a replay are due, and what a player does with them."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.amending import RedactMessage
from commands.events import MessagePosted
from commands.store import Recorded
from commands.subscription import Fact, StoreUnavailable
from realtime.player import Pace, Player
from tests.cast import ADA, GENERAL, NOON
from tests.realtime.world import World

SPEEDS = st.sampled_from([0.1, 1.0, 7.0, 1000.0])


def fact(at: int | None) -> Fact:
    """An event of that time; one that cannot be opened has none."""
    about: dict[str, Any] = {"actor": ADA, "request_id": "r"}
    event = None if at is None else MessagePosted(**about, occurred_at=at, message_id="1", message="", handle="ada")
    return Fact(Recorded(1, GENERAL, 1, "message.posted", "message:1", b""), event)


@given(times=st.lists(st.integers(NOON, NOON + 10**7), min_size=1, max_size=30), speed=SPEEDS, gap=st.integers(0, 9999))
def test_between_two_events_lies_what_lay_between_them(times: list[int], speed: float, gap: int) -> None:
    pace = Pace(speed, gap)
    pace.begin(100.0)
    expected, latest = 100.0, times[0]
    for at in times:
        expected += min(max(0, at - latest) / 1000 / speed, gap / 1000)
        latest = max(latest, at)
        assert pace.due(fact(at)) == pytest.approx(expected, abs=1e-6)
        pace.take(fact(at))


@given(speed=SPEEDS, other=SPEEDS, share=st.floats(0, 1))
def test_another_speed_counts_from_now_on(speed: float, other: float, share: float) -> None:
    pace = Pace(speed, 10**9)
    pace.begin(0.0)
    pace.take(fact(NOON))
    whole = 10 / speed
    pace.hurry(other, share * whole)
    assert pace.due(fact(NOON + 10_000)) == pytest.approx(share * whole + (1 - share) * 10 / other)


def test_what_cannot_be_opened_is_due_with_the_one_before() -> None:
    pace = Pace(1, 5000)
    pace.begin(0.0)
    for at, due in ((None, 0), (NOON, 0), (None, 0), (NOON + 1000, 1), (NOON, 1)):
        assert pace.due(fact(at)) == due
        pace.take(fact(at))


class Watcher:
    """An audience that takes so many events at once, and says when it has seen a number of them."""

    def __init__(self, at_once: int = 1000) -> None:
        self.at_once = at_once
        self.facts: list[Fact] = []
        self.ends = 0
        self.changed = asyncio.Event()

    def show(self, facts: Sequence[Fact]) -> int:
        self.facts += facts[: self.at_once]
        self.changed.set()
        return len(facts[: self.at_once])

    async def ready(self) -> None:
        await asyncio.sleep(0)

    def end(self) -> None:
        self.ends += 1
        self.changed.set()

    async def until_end(self) -> list[int]:
        async with asyncio.timeout(10):
            while not self.ends:
                self.changed.clear()
                await self.changed.wait()
        return [fact.recorded.seq for fact in self.facts]

    async def until_seen(self, seq: int) -> None:
        async with asyncio.timeout(10):
            while not self.facts or self.facts[-1].recorded.seq < seq:
                self.changed.clear()
                await self.changed.wait()


@pytest.mark.parametrize("at_once", [1, 7, 1000])
async def test_everything_is_shown_once_in_order_however_little_is_taken(world: World, at_once: int) -> None:
    await world.fill(500)
    watcher = Watcher(at_once)
    playing = asyncio.create_task(Player(world.log, GENERAL, 3, 450, Pace(1, 5000)).run(watcher))
    assert await watcher.until_end() == list(range(3, 451))
    playing.cancel()


async def test_a_store_that_is_away_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fill(20)
    read_room, failures = world.log.read_room, iter([True, False, True])

    async def read(*args: Any, **options: Any) -> list[Fact]:
        if next(failures, False):
            raise StoreUnavailable
        return await read_room(*args, **options)

    monkeypatch.setattr(world.log, "read_room", read)
    monkeypatch.setattr("realtime.player.RETRY_S", 0.01)
    watcher = Watcher()
    playing = asyncio.create_task(Player(world.log, GENERAL, 1, 20, Pace(1, 5000)).run(watcher))
    assert await watcher.until_end() == list(range(1, 21))
    playing.cancel()


async def test_what_is_redacted_while_it_waits_to_be_shown_is_a_stub(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.player.FRESH_S", 0.02)
    await world.fill_at(NOON, NOON + 300)
    secret = (await world.log.read_room(GENERAL, after=1))[0].recorded.subject.removeprefix("message:")
    watcher = Watcher()
    playing = asyncio.create_task(Player(world.log, GENERAL, 1, 2, Pace(1, 5000)).run(watcher))
    await watcher.until_seen(1)
    await world.handlers.handle(RedactMessage(room=GENERAL, message_id=secret), world.caller(ADA))
    await watcher.until_end()
    assert [fact.stub for fact in watcher.facts] == ["", "redacted"]
    playing.cancel()


async def test_an_auditor_sees_what_was_redacted(world: World) -> None:
    secret = await world.say("a secret")
    await world.handlers.handle(RedactMessage(room=GENERAL, message_id=secret.message_id or ""), world.caller(ADA))
    watcher = Watcher()
    player = Player(world.log, GENERAL, secret.seq, secret.seq, Pace(1, 0), auditor=True)
    playing = asyncio.create_task(player.run(watcher))
    await watcher.until_end()
    assert [isinstance(fact.event, MessagePosted) and fact.event.message for fact in watcher.facts] == ["a secret"]
    playing.cancel()


async def test_who_is_late_goes_on_and_does_not_rush(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.player.LATE_S", -1.0)  # everybody is late, always
    await world.fill_at(NOON, NOON + 50, NOON + 100)
    watcher = Watcher()
    player = Player(world.log, GENERAL, 1, 3, Pace(1, 5000))
    began = asyncio.get_running_loop().time()
    playing = asyncio.create_task(player.run(watcher))
    await watcher.until_end()
    assert len(watcher.facts) == 3
    assert asyncio.get_running_loop().time() >= began
    playing.cancel()
