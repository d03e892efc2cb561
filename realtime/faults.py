"""A bus that fails on purpose, for tests: `BUS_FAULT` = `drop`, `double` or `shuffle`, for every publish."""

import asyncio
import random
from collections.abc import Sequence

from commands.subscription import Recorded
from realtime.bus import Bus, Receiver

FAULTS = ("drop", "double", "shuffle")
SHUFFLE_WITHIN_S = 0.05
"""Publishes are held back for up to so long, each as long as chance will have it."""


class FaultyBus:
    """Another bus, whose publishes are dropped, doubled, or come in any order, event by event."""

    def __init__(self, bus: Bus, *, drop: bool = False, double: bool = False, shuffle: bool = False) -> None:
        self._bus = bus
        self._drop = drop
        self._double = double
        self._shuffle = shuffle

    def publish(self, events: Sequence[Recorded]) -> None:
        """Publish, but badly."""
        if self._drop:
            return
        for event in events if not self._double else (*events, *events):
            if self._shuffle:
                late_s = random.uniform(0, SHUFFLE_WITHIN_S)  # noqa: S311 - no secret
                asyncio.get_running_loop().call_later(late_s, self._bus.publish, [event])
            else:
                self._bus.publish([event])

    def subscribe(self, room: str) -> None:
        self._bus.subscribe(room)

    def unsubscribe(self, room: str) -> None:
        self._bus.unsubscribe(room)

    def deliver_to(self, receiver: Receiver) -> None:
        self._bus.deliver_to(receiver)


def faulty(bus: Bus, fault: str | None) -> Bus:
    """The bus as it is, or with one of the FAULTS. Raises: ValueError for a fault that is none."""
    if not fault:
        return bus
    if fault not in FAULTS:
        raise ValueError(f"BUS_FAULT must be one of {', '.join(FAULTS)}")
    return FaultyBus(bus, drop=fault == "drop", double=fault == "double", shuffle=fault == "shuffle")
