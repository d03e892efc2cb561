"""Counting what happens, so cheaply that everything may be counted: plain numbers that are read when somebody asks."""

from bisect import bisect_left


class Histogram:
    """How values are spread: how many were at most each of `bounds`, and, last, how many were beyond all of them."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, *bounds: float) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


def durations() -> Histogram:
    """A histogram of seconds, from a quick commit to what nobody waits for."""
    return Histogram(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def sizes() -> Histogram:
    """A histogram of how many things were done at once."""
    return Histogram(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Appends:
    """What a writer has done since it started: commits, by how long they took and how many events they recorded."""

    def __init__(self) -> None:
        self.took_s = durations()
        self.events = sizes()
        self.conflicts = 0
        self.unknown = 0
        self.failed = 0
