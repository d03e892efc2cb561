"""One socket's way out: what is put in during a turn of the event loop leaves in one write."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from realtime.close_codes import CloseCode
from realtime.turn import Turn

EXTENSION = "verbatim.socket"
"""Where a server puts its `Socket` in `scope["extensions"]`."""
SHUTDOWN = "verbatim.shutdown"
"""The message by which our server tells the application that it shuts down, after all that it read from the socket."""
MAX_UNSENT = 1024 * 1024
"""Bytes. A socket that has more than this unsent is slow."""


class Socket(Protocol):
    """What an outlet writes to: our server's extension, or a relay where the server has none."""

    def write(self, frames: bytes) -> None:
        """Send whole text frames, without waiting. One that is closed takes nothing."""

    def buffered(self) -> int:
        """Bytes that were written and not yet sent, as far as the server can tell."""

    async def drained(self) -> None:
        """Wait until most of what was written is sent, or the socket is gone."""

    def close(self, code: int, reason: str) -> None:
        """Close after what was written."""


class Outlet:
    """Where everybody puts the frames of one socket, in order. `on_trouble` is told why it has to close."""

    __slots__ = ("_closed", "_due", "_socket", "_turn", "on_trouble")

    def __init__(self, socket: Socket, turn: Turn) -> None:
        self._socket = socket
        self._turn = turn
        self._due: list[bytes] = []
        self._closed = False
        self.on_trouble: Callable[[CloseCode], None] = lambda _code: self.fail()

    def put(self, frames: bytes) -> None:
        """Send whole text frames at the end of this turn."""
        due = self._due
        if not due:
            self._turn.add(self)
        due.append(frames)

    def flush(self) -> None:
        """Write what is due, in one piece; a piece that is shared with other sockets is not copied."""
        due = self._due
        if not due:
            return
        frames = due[0] if len(due) == 1 else b"".join(due)
        due.clear()
        if self._closed:
            return
        if self._socket.buffered() > MAX_UNSENT:
            self.on_trouble(CloseCode.SLOW)
        else:
            self._socket.write(frames)

    async def drained(self) -> None:
        """Wait until most of what was put in is sent, or the socket is gone."""
        self.flush()
        if not self._closed:
            await self._socket.drained()

    def close(self, code: int, reason: str, last: bytes = b"") -> None:
        """Write what is due and the `last` frame, and close. What is put in later goes nowhere."""
        if self._closed:
            return
        self._closed = True
        self._socket.write(b"".join((*self._due, last)))
        self._due.clear()
        self._socket.close(code, reason)

    def fail(self) -> None:
        """Give the socket up: its end will be heard of from the server."""
        self._closed = True
        self._due.clear()
