"""Our uvicorn HTTP protocol: a request's head must come in time, and be of a bounded size."""

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from realtime.affinity import AFFINITY, Affinity
from realtime.door import Door
from realtime.protocol import ROOM_PATH

HEAD_S = 10.0
"""How long a client may take for a request's head, from the connection or from the head's first byte."""
LINGER_S = 1.0
"""How long an idle connection is left open when the server leaves."""
MAX_HEAD_BYTES = 64 * 1024
FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
"""What is said when there is room for no connection more."""


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection, until it is closed, upgraded, or handed to another process."""

    given = b""
    """What another process read before it handed the connection over: then it stays."""
    _affinity: Affinity | None = None
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _leaving = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first head. One connection too many is told so, while there is a file left for that."""
        super().connection_made(transport)
        self._door: Door = vars(self.server_state).setdefault("door", Door())
        self._affinity = self.app_state.get(AFFINITY)
        if self.limit_concurrency and len(self.connections) > self.limit_concurrency:
            transport.write(FULL)
            transport.close()
            return
        self._expect_head()
        if self.given:
            self.data_received(self.given)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, in turn with the others."""
        self._door.enter(partial(self._read, data))

    def _read(self, data: bytes) -> None:
        """Read on, unless the head grows beyond bounds."""
        if self.transport.is_closing():
            return
        protocol = self.transport.get_protocol()
        if protocol is not self:  # it became a socket while this waited
            cast(asyncio.Protocol, protocol).data_received(data)
            return
        super().data_received(data)
        if self._head_timer:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """Wait for the head of the next request on this connection."""
        super().on_message_begin()
        self._expect_head()

    def on_headers_complete(self) -> None:
        """The head is here."""
        self._head_came()
        super().on_headers_complete()
        if self._leaving and not self._is_idle():
            self.cycle.keep_alive = False

    def handle_websocket_upgrade(self) -> None:
        """Become a WebSocket, here or at home; one that comes while the server leaves is told so."""
        affinity = self._affinity
        room = self._find_room() if affinity else ""
        if affinity and room and self._go_home(affinity, room):
            return
        super().handle_websocket_upgrade()
        upgraded: Any = self.transport.get_protocol()
        if affinity:
            upgraded.stay(affinity, room)
        if self._leaving:
            upgraded.shutdown()

    def _find_room(self) -> str:
        """The room whose socket is asked for; empty if it is of none."""
        path = self.url.partition(b"?")[0].decode("latin-1")
        found = ROOM_PATH.search(path[1:])
        return found["room"] if found else ""

    def _go_home(self, affinity: Affinity, room: str) -> bool:
        """Hand the connection to the process where the room is, if it is to be there."""
        if self.given or self._leaving or not self._is_idle() or self.transport.get_write_buffer_size():
            return False
        lines = [b"%b: %b\r\n" % header for header in self.scope["headers"]]
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (self.scope["method"].encode(), self.url, b"".join(lines))
        if not affinity.give(room, head, self.transport.get_extra_info("socket").fileno()):
            return False
        self.transport.close()
        return True

    def shutdown(self) -> None:
        """Close after the answer that is due. An idle connection may just be asking something: that is answered."""
        self._leaving = True
        if self._is_idle():
            self.loop.call_later(LINGER_S, self._close_idle)
        else:
            super().shutdown()

    def _close_idle(self) -> None:
        if self.transport.get_protocol() is self and self._is_idle():
            self.transport.close()

    def _is_idle(self) -> bool:
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_bytes = 0
            self._head_timer = self.loop.call_later(HEAD_S, self.transport.abort)

    def _head_came(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None
