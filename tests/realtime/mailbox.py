"""A socket without a network: what is written piles up until it is read, and its reader checks every promise."""

import json
from typing import Any

from realtime.encoding import payloads
from tests.realtime.client import FLEETING

UNREAD = 2 * 1024 * 1024
"""What a mailbox says is unsent while nobody reads it."""


class Mailbox:
    """A `Socket`. `reads` says whether its client reads; `writes` counts the writes.

    What is fleeting, presence and typing, is kept and counted apart.
    """

    def __init__(self) -> None:
        self.reads = True
        self.writes = 0
        self.closed: int | None = None
        self.broken = False
        self.frames: list[dict[str, Any]] = []
        self.fleeting: list[dict[str, Any]] = []

    def write(self, frames: bytes) -> None:
        if self.broken:
            raise RuntimeError("the transport is gone")
        assert self.closed is None
        written = [json.loads(payload) for payload in payloads(frames)]
        self.fleeting += [frame for frame in written if frame.get("type") in FLEETING]
        self.frames += (lasting := [frame for frame in written if frame.get("type") not in FLEETING])
        self.writes += bool(lasting)

    def buffered(self) -> int:
        return 0 if self.reads else UNREAD

    async def drained(self) -> None:
        return

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
