"""When a process writes to its sockets: once in a turn of the event loop, and less often when that is a lot of work."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

log = logging.getLogger(__name__)

SLICE = 64
"""Sockets that are written to before whatever else waits in the event loop gets its turn."""
MAX_REST_S = 0.01
"""How long events wait at most for others to share a write with."""


class Due(Protocol):
    """Somebody with something to write."""

    def flush(self) -> None:
        """Write it."""

    def fail(self) -> None:
        """It could not be written."""


class Turn:
    """What is due: hubs that let events out, outlets that write.

    Everything that is put in before the end of a turn of the event loop leaves in one write for each socket. Where
    lately several events of a room were let out at once, the hubs rest after a fan-out for as long as it took: what
    comes meanwhile shares the next writes. Where events come one by one nothing waits, and replies never do.
    """

    def __init__(self) -> None:
        self._emits: list[Callable[[], int]] = []
        self._due: deque[Due] = deque()
        self._flushing = False
        self._lately = 0.0
        self._took_s = 0.0
        self._rested_at = 0.0

    def let_out(self, emit: Callable[[], int]) -> None:
        """Call this, which puts events into outlets and answers how many, when the hubs have rested."""
        if not self._emits:
            loop = asyncio.get_running_loop()
            rest_s = self._rested_at - perf_counter()
            if rest_s > 0:
                loop.call_later(rest_s, self._emit)
            else:
                loop.call_soon(self._emit)
        self._emits.append(emit)

    def add(self, outlet: Due) -> None:
        """Flush this outlet at the end of this turn."""
        self._due.append(outlet)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _emit(self) -> None:
        began = perf_counter()
        emits, self._emits = self._emits, []
        self._lately /= 2
        for emit in emits:
            try:
                self._lately = max(self._lately, emit())
            except Exception:
                log.exception("a hub could not let events out")
        self._rest(began)

    def _flush(self) -> None:
        """Write what is due, some sockets at a time."""
        began = perf_counter()
        due = self._due
        for _ in range(min(SLICE, len(due))):
            outlet = due.popleft()
            try:
                outlet.flush()
            except Exception as error:  # noqa: BLE001 - one broken transport must not harm the others
                log.info("a socket broke while it was written to: %r", error)
                outlet.fail()
        self._rest(began)
        if due:
            asyncio.get_running_loop().call_soon(self._flush)
        else:
            self._flushing = False
            self._took_s = 0.0

    def _rest(self, began: float) -> None:
        now = perf_counter()
        self._took_s += now - began
        if self._lately > 1:
            self._rested_at = now + min(self._took_s, MAX_REST_S)
