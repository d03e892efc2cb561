"""A socket without a network: what is written piles up until it is read, and its reader checks every promise."""

import asyncio
import json
from typing import Any

from realtime.encoding import payloads
from realtime.outlet import BEHIND_UNSENT
from tests.realtime.client import FLEETING

UNREAD = 2 * 1024 * 1024
"""What a mailbox says is unsent while nobody reads it."""


class Mailbox:
    """A `Socket`. `reads` says whether its client reads; `writes` counts the writes.

    What is fleeting, presence and typing, is kept and counted apart.
    """

    def __init__(self) -> None:
        self.reads = True
        self._reading = asyncio.Event()
        self._reading.set()
        self.writes = 0
        self.closed: int | None = None
        self.broken = False
        self.frames: list[dict[str, Any]] = []
        self.fleeting: list[dict[str, Any]] = []

    def write(self, frames: bytes) -> int:
        if self.broken:
            raise RuntimeError("the transport is gone")
        assert self.closed is None
        written = [json.loads(payload) for payload in payloads(frames)]
        self.fleeting += [frame for frame in written if frame.get("type") in FLEETING]
        self.frames += (lasting := [frame for frame in written if frame.get("type") not in FLEETING])
        self.writes += bool(lasting)
        return self.buffered()

    def buffered(self) -> int:
        if not self.reads:
            return UNREAD
        return 0 if self._reading.is_set() else BEHIND_UNSENT + 1

    async def drained(self) -> None:
        await self._reading.wait()

    def read_slowly(self) -> None:
        """From now on more is written than is read, but not so much that the socket is closed."""
        self._reading.clear()

    def read_all(self) -> None:
        """Read what there is, and keep up from now on."""
        self._reading.set()

    def close(self, code: int, reason: str) -> None:
        self.closed = code

    def subscription(self) -> list[dict[str, Any]]:
        """What arrived since the subscription began (again), from `subscribed` on."""
        began = [n for n, frame in enumerate(self.frames) if frame["type"] == "subscribed"]
        return self.frames[began[-1] :] if began else []

    def events(self) -> list[dict[str, Any]]:
        """The events that arrived since then."""
        return [frame for frame in self.subscription() if frame["type"] == "event"]

    def seqs(self) -> list[int]:
        return [event["seq"] for event in self.events()]
