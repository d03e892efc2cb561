"""The turn: one write for what is due together, slices so that nobody waits long, and a rest after a costly fan-out."""

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from realtime import turn
from realtime.turn import Turn


class Clock:
    """A clock that moves when work is done."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Outlet:
    """Something that is due; it takes its time, or breaks."""

    def __init__(self, clock: Clock, takes_s: float = 0.0, *, broken: bool = False) -> None:
        self._clock = clock
        self._takes_s = takes_s
        self._broken = broken
        self.flushed = 0
        self.failed = False

    def flush(self) -> None:
        self._clock.now_s += self._takes_s
        if self._broken:
            raise RuntimeError("the transport is gone")
        self.flushed += 1

    def fail(self) -> None:
        self.failed = True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turn, "perf_counter", clock)
    return clock


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """After how long things are called later, in the loop of the test; they are called at once."""
    delays: list[float] = []

    class Loop:
        def call_soon(self, callback: Callable[[], None]) -> None:
            asyncio.get_running_loop().call_soon(callback)

        def call_later(self, delay_s: float, callback: Callable[[], None]) -> None:
            delays.append(delay_s)
            asyncio.get_running_loop().call_soon(callback)

    class Asyncio:
        get_running_loop = staticmethod(Loop)

    monkeypatch.setattr(turn, "asyncio", Asyncio)
    return delays


async def a_turn() -> None:
    await asyncio.sleep(0)


async def fan_out(due: Turn, outlets: list[Outlet], *, events: int = 2) -> None:
    """Let events out to these outlets."""

    def emit() -> int:
        for outlet in outlets:
            due.add(outlet)
        return events

    due.let_out(emit)
    while not all(outlet.flushed for outlet in outlets):
        await a_turn()


async def test_where_little_is_written_nothing_waits(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    for _ in range(10):
        await fan_out(due, [Outlet(clock)])
    assert delays == []


async def test_after_a_fan_out_hubs_rest_as_long_as_it_took(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    await fan_out(due, [Outlet(clock, 0.001) for _ in range(4)])
    await fan_out(due, [Outlet(clock)])
    assert delays == [pytest.approx(0.004)]


async def test_where_events_come_one_by_one_nothing_waits(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    await fan_out(due, [Outlet(clock, 0.001) for _ in range(4)])
    rests = []
    for _ in range(4):
        await fan_out(due, [Outlet(clock, 0.001) for _ in range(4)], events=1)
        rests.append(len(delays))
    assert rests == [1, 1, 1, 1]


async def test_no_rest_is_longer_than_the_longest(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    await fan_out(due, [Outlet(clock, 1.0) for _ in range(4)])
    await fan_out(due, [Outlet(clock)])
    assert delays == [pytest.approx(turn.MAX_REST_S)]


async def test_who_comes_later_has_nothing_to_wait_for(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    await fan_out(due, [Outlet(clock, 0.004)])
    clock.now_s += 0.004
    await fan_out(due, [Outlet(clock)])
    assert delays == []


async def test_a_reply_does_not_wait_until_the_hubs_have_rested(clock: Clock, delays: list[float]) -> None:
    due = Turn()
    await fan_out(due, [Outlet(clock, 1.0)])
    reply = Outlet(clock)
    due.add(reply)
    await a_turn()
    assert (reply.flushed, delays) == (1, [])


async def test_many_sockets_are_written_to_in_slices_and_others_get_their_turn(clock: Clock) -> None:
    due = Turn()
    outlets = [Outlet(clock) for _ in range(3 * turn.SLICE)]
    for outlet in outlets:
        due.add(outlet)
    seen = []
    for _ in range(4):
        await a_turn()
        seen.append(sum(outlet.flushed for outlet in outlets))
    assert seen == [turn.SLICE, 2 * turn.SLICE, 3 * turn.SLICE, 3 * turn.SLICE]


async def test_a_broken_socket_and_a_broken_hub_stop_nobody(clock: Clock) -> None:
    due = Turn()
    broken, sound = Outlet(clock, broken=True), Outlet(clock)

    def fail() -> int:
        raise RuntimeError("a hub is broken")

    def put(outlet: Outlet) -> int:
        due.add(outlet)
        return 1

    due.let_out(fail)
    due.let_out(partial(put, broken))
    due.let_out(partial(put, sound))
    await a_turn()
    await a_turn()
    assert (broken.failed, sound.flushed) == (True, 1)
