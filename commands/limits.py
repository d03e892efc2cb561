"""Rate limits: token buckets, one for each person or address, in bounded memory."""

import time
from collections import OrderedDict
from typing import NamedTuple


class Rate(NamedTuple):
    """So many a second on average, and so many at once."""

    per_s: float
    burst: int


class Buckets:
    """A token bucket per key. The longest unused are forgotten beyond `max_keys`, which only ever favours a caller."""

    def __init__(self, rate: Rate, *, max_keys: int = 100_000) -> None:
        self.rate = rate
        self._max_keys = max_keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Take one token. Answers 0 if there was one, else the seconds until there will be."""
        now = time.monotonic()
        tokens, then = self._buckets.pop(key, (float(self.rate.burst), now))
        tokens = min(self.rate.burst, tokens + (now - then) * self.rate.per_s)
        wait_s = 0.0 if tokens >= 1 else (1 - tokens) / self.rate.per_s
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        if len(self._buckets) > self._max_keys:
            self._buckets.popitem(last=False)
        return wait_s
