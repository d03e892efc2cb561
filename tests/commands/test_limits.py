"""Token buckets: so many at once, so many a second, in bounded memory."""

import time

import pytest

from commands.limits import Buckets, Rate


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_a_burst_passes_and_then_it_is_told_how_long_to_wait(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=5, burst=20))
    assert [buckets.take("ada") for _ in range(20)] == [0.0] * 20
    assert buckets.take("ada") == pytest.approx(0.2)
    clock.now += 0.1
    assert buckets.take("ada") == pytest.approx(0.1)


def test_waiting_as_told_is_enough(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=5, burst=1))
    buckets.take("ada")
    clock.now += buckets.take("ada") + 1e-6
    assert buckets.take("ada") == 0.0


def test_asking_too_often_costs_nothing(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    buckets.take("ada")
    for _ in range(99):
        clock.now += 0.01
        assert buckets.take("ada") > 0
    clock.now += 0.02
    assert buckets.take("ada") == 0.0


def test_a_bucket_never_holds_more_than_a_burst(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=5, burst=2))
    clock.now += 3600
    assert [buckets.take("ada") == 0.0 for _ in range(3)] == [True, True, False]


def test_people_do_not_share_buckets(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1, burst=1))
    assert buckets.take("ada") == buckets.take("grace") == 0.0
    assert buckets.take("ada") > 0


def test_memory_is_bounded_and_forgetting_favours_the_caller(clock: Clock) -> None:
    buckets = Buckets(Rate(per_s=1, burst=1), max_keys=10)
    for person in range(1000):
        assert buckets.take(f"guest:{person}") == 0.0
    assert len(buckets._buckets) == 10
    assert buckets.take("guest:999") > 0
    assert buckets.take("guest:0") == 0.0
