"""The way round for servers without our extension: frames go through the ASGI `send`, in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.encoding import payloads

log = logging.getLogger(__name__)

CLOSE_S = 10.0
"""How long a client may take to read what was written before the close."""


class Relay:
    """A `Socket` over an ASGI `send`. What is not sent yet counts as buffered; the server may hold more unseen."""

    def __init__(self, send: Callable[[Any], Awaitable[None]]) -> None:
        self._send = send
        self._unsent: deque[bytes] = deque()
        self._buffered = 0
        self._close: dict[str, Any] | None = None
        self._gone = False
        self._sending: asyncio.Task[None] | None = None
        self._drained = asyncio.Event()
        self._drained.set()

    def write(self, frames: bytes) -> int:
        """Queue frames; they are sent one after the other."""
        if self._gone or self._close:
            return 0
        unsent = self._buffered
        self._unsent.append(frames)
        self._buffered += len(frames)
        self._drained.clear()
        self._start()
        return unsent

    def buffered(self) -> int:
        """Bytes that `send` did not take yet."""
        return self._buffered

    async def drained(self) -> None:
        """Wait until `send` took everything, or fails."""
        await self._drained.wait()

    def close(self, code: int, reason: str) -> None:
        """Close after what was written, if that can be sent in time."""
        if self._gone or self._close:
            return
        self._close = {"type": "websocket.close", "code": int(code), "reason": reason}
        self._start()
        asyncio.get_running_loop().call_later(CLOSE_S, self.stop)

    def stop(self) -> None:
        """Send nothing more: the socket is gone."""
        self._gone = True
        self._unsent.clear()
        self._buffered = 0
        self._drained.set()
        if self._sending:
            self._sending.cancel()

    def _start(self) -> None:
        if self._sending is None:
            self._sending = asyncio.create_task(self._run(), name="relay")

    async def _run(self) -> None:
        try:
            while self._unsent:
                frames = self._unsent.popleft()
                for payload in payloads(frames):
                    await self._send({"type": "websocket.send", "text": payload.decode()})
                self._buffered -= len(frames)
            self._drained.set()
            if self._close:
                await self._send(self._close)
        except Exception as error:  # noqa: BLE001 - every server has its own way to say that the socket is gone
            log.info("a socket was gone when it was sent to: %r", error)
            self._sending = None
            self.stop()
        finally:
            self._sending = None
