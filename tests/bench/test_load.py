"""The load generator: it measures, and a server that loses, doubles or swaps anything cannot look fast."""

import asyncio
import os

import pytest

from bench.fanout.generator import Clients, Generator, faults, missing
from bench.shapes.meter import Figures
from tests.bench.broadcaster import (
    Way,
    broadcasting,
    doubling,
    hanging_up,
    honestly,
    losing,
    refusing,
    swapping,
    with_acknowledgements,
)

pytestmark = pytest.mark.skipif(missing() is not None, reason=f"the load generator cannot be built: {missing()}")

SUBSCRIBERS = 5
SECONDS = 0.2
PLAIN = Clients("/", '{"message":"{text}"}')
NUMBERED = Clients("/", '{"id":{number},"message":"{text}"}')


async def measure(way: Way, pace: str = "closed", at: float = 8, clients: Clients = PLAIN) -> Figures:
    async with broadcasting(way) as port:
        return await asyncio.to_thread(_load, port, pace, at, clients)


def _load(port: int, pace: str, at: float, clients: Clients) -> Figures:
    parts = {"web": os.getpid()}
    with Generator(port, clients, parts, subscribers=SUBSCRIBERS, patience_s=0.3) as load:
        return load.closed(int(at), 0.01, SECONDS) if pace == "closed" else load.rate(at, 0.01, SECONDS)


async def test_everything_that_comes_is_counted() -> None:
    figures = await measure(honestly)
    assert faults(figures) == []
    assert figures["deliveries"] > 0
    assert figures["rate"] == pytest.approx(figures["deliveries"] / figures["took_s"])
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["most_ms"] * 1.04


async def test_a_rate_is_kept_and_waited_for() -> None:
    figures = await measure(honestly, "rate", 100)
    assert faults(figures) == []
    assert figures["published"] == 100 * SECONDS
    assert figures["deliveries"] == figures["published"] * SUBSCRIBERS


async def test_an_acknowledgement_is_the_frame_that_repeats_the_number_where_there_is_one() -> None:
    assert (await measure(with_acknowledgements, clients=NUMBERED))["ack_p50_ms"] > 0
    assert (await measure(honestly, clients=NUMBERED))["ack_p50_ms"] == 0


@pytest.mark.parametrize(
    ("way", "fault"),
    [
        (losing, "missing"),
        (doubling, "misplaced"),
        (swapping(), "misplaced"),
        (refusing, "refused"),
        (hanging_up, "gone"),
    ],
)
async def test_what_a_server_does_wrong_is_noticed(way: Way, fault: str) -> None:
    figures = await measure(way)
    assert figures[fault] > 0
    assert faults(figures) != []


async def test_who_cannot_connect_is_told_why(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="gave up"):
        await asyncio.to_thread(_load, 1, "closed", 8, PLAIN)
    assert "cannot connect" in capfd.readouterr().err
