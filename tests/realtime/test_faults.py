"""The bus that fails on purpose does so."""

import pytest

from realtime.bus import LocalBus
from realtime.faults import faulty
from tests.cast import GENERAL
from tests.realtime.buses import events, until


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(None, [1, 2, 3]), ("drop", []), ("double", [1, 2, 3, 1, 2, 3])],
)
async def test_publishes_are_dropped_or_doubled(fault: str | None, expected: list[int]) -> None:
    heard: list[int] = []
    bus = faulty(LocalBus(), fault)
    bus.deliver_to(lambda events: heard.extend(event.seq for event in events))
    bus.subscribe(GENERAL)
    bus.publish(events(1, 2, 3))
    bus.unsubscribe(GENERAL)
    bus.publish(events(4))
    assert heard == expected


async def test_publishes_are_shuffled_and_none_is_lost() -> None:
    heard: list[int] = []
    bus = faulty(LocalBus(), "shuffle")
    bus.deliver_to(lambda events: heard.extend(event.seq for event in events))
    bus.subscribe(GENERAL)
    bus.publish(events(*range(100)))
    await until(lambda: len(heard) == 100)
    assert heard != sorted(heard)
    assert sorted(heard) == list(range(100))


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="drop, double, shuffle"):
        faulty(LocalBus(), "explode")
