"""One socket's way out: what is put in during a turn of the event loop leaves in one write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from realtime.close_codes import CloseCode
from realtime.turn import Turn

EXTENSION = "verbatim.socket"
"""Where a server puts its `Socket` in `scope["extensions"]`."""
SHUTDOWN = "verbatim.shutdown"
"""The message by which our server tells the application that it shuts down, after all that it read from the socket."""
MAX_UNSENT = 1024 * 1024
"""Bytes. A socket that has more than this unsent is closed."""
BEHIND_UNSENT = 256 * 1024
"""Bytes. One that has more than this unsent when more is written leaves live delivery until it has caught up."""
STALLED_S = 30.0
"""How long one that is to be sent a piece of a backlog may take nothing of what it was sent before."""

MAX_BEHIND = 64 * 1024
"""Bytes. A socket that has more than this unsent is spared what it may miss."""


class Socket(Protocol):
    """What an outlet writes to: our server's extension, or a relay where the server has none."""

    def write(self, frames: bytes) -> int:
        """Send whole text frames, without waiting; answers `buffered` before that. One that is closed takes nothing."""

    def buffered(self) -> int:
        """Bytes that were written and not yet sent, as far as the server can tell."""

    async def drained(self) -> None:
        """Wait until most of what was written is sent, or the socket is gone."""

    def close(self, code: int, reason: str) -> None:
        """Close after what was written."""


class Stalled(Exception):
    """A socket took nothing for too long, and was closed."""


class Outlet:
    """Where everybody puts the frames of one socket, in order.

    `on_behind` is told when the client does not keep up: it is to be spared what can be read from the store later.
    `on_trouble` is told why the socket has to close.
    """

    __slots__ = ("_closed", "_due", "_more", "_piece", "_socket", "_turn", "on_behind", "on_trouble")

    def __init__(self, socket: Socket, turn: Turn) -> None:
        self._socket = socket
        self._turn = turn
        self._due = b""
        self._more: list[bytes] | None = None
        self._closed = False
        self._piece: asyncio.Lock | None = None
        self.on_behind: Callable[[], None] = lambda: None
        self.on_trouble: Callable[[CloseCode], None] = lambda _code: self.fail()

    def put(self, frames: bytes) -> None:
        """Send whole text frames at the end of this turn."""
        if not self._due:
            self._due = frames
            self._turn.add(self)
        elif self._more is None:
            self._more = [frames]
        else:
            self._more.append(frames)

    def offer(self, frames: bytes) -> bool:
        """Send what may be missed, unless the socket is behind; answers whether it was taken."""
        if self._socket.buffered() > MAX_BEHIND:
            return False
        self.put(frames)
        return True

    def flush(self) -> None:
        """Write what is due, in one piece; a piece that is shared with other sockets is not copied."""
        frames = self._take()
        if not frames or self._closed:
            return
        unsent = self._socket.write(frames)
        if unsent > BEHIND_UNSENT:
            if unsent > MAX_UNSENT:
                self.on_trouble(CloseCode.SLOW)
            else:
                self.on_behind()

    @asynccontextmanager
    async def piece(self) -> AsyncIterator[None]:
        """Wait until most of what was put in is sent, and nobody else sends a piece: the one who may is in here.

        Raises: Stalled when the client takes nothing for too long; the socket is closed then.
        """
        lock = self._piece = self._piece or asyncio.Lock()
        async with lock:
            await self.drained()
            yield

    async def drained(self) -> None:
        """Wait until most of what was put in is sent, or the socket is gone. Raises: Stalled, as `piece` does."""
        self.flush()
        if self._closed:
            return
        try:
            async with asyncio.timeout(STALLED_S):
                await self._socket.drained()
        except TimeoutError:
            self.on_trouble(CloseCode.SLOW)
            raise Stalled from None

    def close(self, code: int, reason: str, last: bytes = b"") -> None:
        """Write what is due and the `last` frame, and close. What is put in later goes nowhere."""
        if self._closed:
            return
        self._closed = True
        self._socket.write(self._take() + last)
        self._socket.close(code, reason)

    def fail(self) -> None:
        """Give the socket up: its end will be heard of from the server."""
        self._closed = True
        self._take()

    def _take(self) -> bytes:
        """What is due, as one piece; nothing is due any more."""
        frames, self._due = self._due, b""
        if self._more is not None:
            frames = b"".join((frames, *self._more))
            self._more = None
        return frames
