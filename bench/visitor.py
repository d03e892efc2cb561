"""A client of `verbatim.v1` that is cheap enough to be there ten thousand times, and knows what it was promised."""

import asyncio
from collections.abc import Callable
from typing import cast

import msgspec

from realtime.protocol import PAGE

ADDRESS = "127.0.0.1"
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nOrigin: http://{address}:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: verbatim.v1\r\n\r\n"
)
_END = b"\r\n\r\n"
_MASK = bytes(4)


class Heard(msgspec.Struct):
    """What of a frame is looked at."""

    type: str
    room: str = ""
    seq: int = 0
    after: int = 0


_decode = msgspec.json.Decoder(Heard).decode


class Visitor(asyncio.Protocol):
    """One socket, which follows one room and checks that its events come by seq, each once, none missing.

    `on_event` gets every event's payload. `seq` is the last event that came, -1 before it is subscribed.
    """

    def __init__(self, port: int, path: str, on_event: Callable[[bytes], None] | None = None) -> None:
        self.seq = -1
        self.caught_up = asyncio.get_running_loop().create_future()
        self.wrong = 0
        self.closed_with = 0
        self.gone = False
        self._on_event = on_event
        self._unread = b""
        self._open = False
        self._page_end = 0
        self._head = HANDSHAKE.format(path=path, address=ADDRESS, port=port).encode()
        self._wanted = b""
        self.transport: asyncio.Transport

    @classmethod
    async def connect(
        cls, port: int, path: str, subscribe: str = "", on_event: Callable[[bytes], None] | None = None
    ) -> "Visitor":
        """Open a socket, and `subscribe` (a frame) if its address does not do so."""
        visitor = cls(port, path, on_event)
        visitor._wanted = subscribe.encode()
        await asyncio.get_running_loop().create_connection(lambda: visitor, ADDRESS, port)
        return visitor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self.transport.write(self._head)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self.gone = True
        if not self.caught_up.done():
            self.caught_up.set_exception(ConnectionError(f"closed with {self.closed_with} before it had caught up"))
            self.caught_up.exception()

    def send(self, frame: bytes) -> None:
        """Send a text frame."""
        size = len(frame)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        self.transport.write(b"\x81" + length + _MASK + frame)

    def data_received(self, data: bytes) -> None:
        """Take whole frames apart."""
        unread = self._unread + data if self._unread else data
        at = 0
        if not self._open:
            if _END not in unread:
                self._unread = unread
                return
            self._open = unread.startswith(b"HTTP/1.1 101")
            at = unread.index(_END) + len(_END)
            if not self._open:
                self.transport.abort()
                return
            if self._wanted:
                self.send(self._wanted)
        self._unread = unread[self._take_frames(unread, at) :]

    def _take_frames(self, unread: bytes, at: int) -> int:
        while len(unread) >= at + 2:
            size, begin = unread[at + 1], at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, begin = int.from_bytes(unread[begin : begin + width]), begin + width
            if len(unread) < begin + size:
                break
            self._take(unread[at] & 15, unread[begin : begin + size])
            at = begin + size
        return at

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self.transport.write(bytes([0x8A, 0x80 | len(payload)]) + _MASK + payload)
        elif opcode == 8:
            self.closed_with = int.from_bytes(payload[:2])
        elif opcode == 1:
            self._hear(payload)

    def _hear(self, payload: bytes) -> None:
        frame = _decode(payload)
        if frame.type == "event":
            self.wrong += frame.seq != self.seq + 1
            self.seq = frame.seq
            if frame.seq == self._page_end:
                self._page_end += PAGE
                self.send(msgspec.json.encode({"type": "ack", "room": frame.room, "seq": frame.seq}))
            if self._on_event:
                self._on_event(payload)
        elif frame.type == "subscribed":
            self.seq = frame.after
            self._page_end = frame.after + PAGE
        elif frame.type == "caught_up" and not self.caught_up.done():
            self.wrong += frame.seq != self.seq
            self._page_end = frame.seq + PAGE
            self.caught_up.set_result(None)
