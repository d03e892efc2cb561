"""The time, as the write side is told it."""

import pytest

from commands import attempt
from commands.clock import Milliseconds
from commands.days import DAY_MS
from tests.cast import NOON


class Clock:
    """Stands at noon, and goes on by days."""

    def __init__(self) -> None:
        self.now: Milliseconds = NOON

    def pass_days(self, days: float) -> None:
        self.now += int(days * DAY_MS)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """What the write side goes by."""
    clock = Clock()
    monkeypatch.setattr(attempt, "now_ms", lambda: clock.now)
    return clock
