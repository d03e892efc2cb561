"""Our uvicorn WebSocket protocol: a synchronous way out for the hub, and limits that the stock one lacks.

It is the stock one (which parses, and keeps connections alive) and at the same time the `Socket` that the application
finds in `scope["extensions"]["verbatim.socket"]`.
"""

import asyncio
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from realtime.affinity import Affinity
from realtime.close_codes import CloseCode
from realtime.inbox import Inbox, Valve
from realtime.outlet import EXTENSION, MAX_UNSENT, SHUTDOWN

MAX_WAITING = 16
"""Messages that were read and not yet handled; while there are so many, nothing more is read."""
MAX_FRAGMENTS = 1024
"""A message may come in so many pieces: empty ones cost nothing to send, and something to keep."""
CLOSE_S = 10.0
"""How long a client may take to answer a close before it is cut off."""
SHUTDOWN_S = 1.0
LINGER_S = 2.0
"""How long what a client still sends after its mistake is read and dropped, so that it gets to see our close."""


class SocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    # An object with more than 30 attributes of the usual kind has a dictionary of its own, of 1.5 KiB. Those that every
    # write looks at are found sooner here, too.
    __slots__ = (
        "close_sent", "close_timeout", "close_timer", "disconnected", "home", "initial_response", "last_ping_rtt",
        "pending_ping_payload", "ping_interval", "ping_sent_at", "ping_timeout", "ping_timer", "pong_timer", "queue",
        "request", "response", "transport", "writable",
    )  # fmt: skip
    leaving = False

    def __init__(self, *how: Any, **more: Any) -> None:
        super().__init__(*how, **more)
        self.queue = cast(Any, Inbox())
        self.writable = cast(Any, Valve())
        self.home: tuple[Affinity, str] | None = None

    def write(self, frames: bytes) -> int:
        """Send whole text frames at once. One that is closing or gone takes nothing."""
        if self.close_sent or self.disconnected:
            return 0
        transport = self.transport
        unsent: int = transport.get_write_buffer_size()
        transport.write(frames)
        return unsent

    def buffered(self) -> int:
        """Bytes that the kernel did not take yet."""
        return 0 if self.disconnected else self.transport.get_write_buffer_size()

    async def drained(self) -> None:
        """Wait until the kernel took most of it, or the connection is lost."""
        await self.writable.wait()

    def close(self, code: int, reason: str) -> None:
        """Send a close after what was written; a client that does not answer it in time is cut off."""
        if self.close_sent or self.disconnected or self.transport.is_closing():
            return
        self.conn.send_close(code, reason)
        self._end(code, reason, self.close_timeout)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin with the time that a close may take."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_S

    def stay(self, affinity: Affinity, room: str) -> None:
        """Count as a socket of this room, or of none, until it is gone."""
        self.home = affinity, room
        affinity.enter(room)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count no more."""
        if self.home:
            affinity, room = self.home
            affinity.leave(room)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a handshake that is none is answered and closed."""
        super().data_received(data)
        if not self.handshake_initiated and not self.transport.is_closing():
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        """Offer the way out to the application."""
        super().handle_connect(event)
        if not self.close_sent:
            cast(dict[str, Any], self.scope["extensions"])[EXTENSION] = self

    async def send(self, message: Any) -> None:
        """See the stock protocol. What the handshake was made of is not kept once it is over."""
        await super().send(message)
        if message["type"] == "websocket.accept":
            for part in (self.request, self.response):
                part.headers.clear()  # the parser holds on to them
            del self.request, self.response

    def handle_cont(self, event: Frame) -> None:
        """Put a message together from a bounded number of pieces."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self._fail(CloseCode.TOO_LARGE)
        else:
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer, unless the client does not read the answers."""
        if self.buffered() > MAX_UNSENT:
            self.transport.abort()
        else:
            super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        """Queue a message for the application; the stock protocol stops and starts reading for each."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent or self.leaving:
            return
        try:
            content = {"text": data.decode()} if self.curr_msg_data_type == "text" else {"bytes": bytes(data)}
        except UnicodeDecodeError:
            self._fail(CloseCode.NOT_UTF8)
            return
        self.queue.put_nowait(cast(Any, {"type": "websocket.receive", **content}))
        if not self.read_paused and self.queue.qsize() >= MAX_WAITING:
            self.read_paused = True
            self.transport.pause_reading()

    def handle_parser_exception(self) -> None:
        """Close for what is no WebSocket traffic, or too large."""
        if not self.close_sent:
            why = self.conn.close_sent
            self._end(why.code if why else 1006, why.reason if why else "", LINGER_S)
            self.transport.write_eof()

    def keepalive_timeout(self) -> None:
        """The client is gone: nothing that is written now would arrive."""
        self.transport.abort()

    def shutdown(self) -> None:
        """Take nothing more, and let the application say goodbye when it has answered what was read so far.

        What arrives from now on is unanswered: the client sends it again where it goes next.
        """
        self.close_timeout = SHUTDOWN_S
        self.stop_keepalive()
        if self.close_sent or not self.handshake_initiated:
            self.loop.call_later(SHUTDOWN_S, self.transport.abort)
        elif not self.leaving:
            self.leaving = True
            self.queue.put_nowait(cast(Any, {"type": SHUTDOWN}))

    def _fail(self, code: CloseCode) -> None:
        self.conn.fail(code, code.reason)
        self.handle_parser_exception()

    def _end(self, code: int, reason: str, timeout_s: float) -> None:
        """Write the close that `conn` holds, tell the application, and wait for the client to go."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(timeout_s, self.transport.abort)
