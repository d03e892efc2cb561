"""The web server: uvicorn with our protocols, on uvloop."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import uvicorn

from realtime import files
from realtime.admission import most_sockets
from realtime.affinity import AFFINITY, Affinity
from realtime.http import HttpProtocol
from realtime.protocol import MAX_FRAME_BYTES
from realtime.upgraded import SocketProtocol

log = logging.getLogger("verbatim")

PING_S = 25.0
PONG_S = 10.0
ANSWERED_S = 7
"""How long requests and sockets have to come to their end when the server leaves."""
GONE_S = 9.0
"""When the process is gone after it was told to leave, whatever hangs: what was acknowledged is on the disk."""
BACKLOG = 4096
GARBAGE = 20_000
"""Objects made and not freed before the collector looks for cycles among them."""
LEAVE = "verbatim.leave"
"""Where an application may put a function in its lifespan's state: it is called when the server begins to leave."""


class Server(uvicorn.Server):
    """Says where it serves once it does, to people and to the `parent` process, and goes when the parent is gone.

    With an `affinity` it hands connections to other processes, and serves what they hand over.
    """

    def __init__(
        self, config: uvicorn.Config, parent: socket.socket | None = None, affinity: Affinity | None = None
    ) -> None:
        super().__init__(config)
        self._parent = parent
        self._affinity = affinity
        self._arriving: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Exits the process with a message when it cannot."""
        gc.collect()
        gc.freeze()  # what was imported stays: a collector that walks through it would hold everybody up
        gc.set_threshold(GARBAGE)
        self.lifespan.state[AFFINITY] = self._affinity
        await super().startup(sockets=sockets)
        if self._affinity:
            self._affinity.start(self._take_in, most=most_sockets())
        for listening in self.servers:
            host, port, *_ = listening.sockets[0].getsockname()
            log.info("Verbatim is at http://%s:%d", f"[{host}]" if ":" in host else host, port)
        if self._parent:
            asyncio.get_running_loop().add_reader(self._parent, self._lose_parent)
            with suppress(OSError):
                self._parent.send(b"!")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connection, and let those that there are come to their end."""
        for listening in self.servers:
            listening.close()
        if self._affinity:
            self._affinity.stop()
        # What was taken in or accepted until now becomes a connection, and is told to leave like the others.
        if self._arriving:
            await asyncio.wait(self._arriving)
        await asyncio.sleep(0)
        if leave := self.lifespan.state.get(LEAVE):
            leave()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Leave, surely and in time. A second SIGINT leaves at once."""
        if not self.should_exit:
            signal.setitimer(signal.ITIMER_REAL, GONE_S)
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    def _take_in(self, connection: socket.socket, head: bytes) -> None:
        arriving = asyncio.create_task(self._continue(connection, head), name="take a connection in")
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)

    async def _continue(self, connection: socket.socket, head: bytes) -> None:
        """Go on with a connection of which another process read the head."""
        protocol = HttpProtocol(self.config, self.server_state, self.lifespan.state)
        protocol.given = head
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)
        except OSError:  # it is gone
            connection.close()

    def _lose_parent(self) -> None:
        assert self._parent
        asyncio.get_running_loop().remove_reader(self._parent)
        log.warning("the parent process is gone: leaving")
        self.handle_exit(signal.SIGTERM, None)


def run(
    app: Any,
    sockets: Sequence[socket.socket],
    *,
    parent: socket.socket | None = None,
    affinity: Affinity | None = None,
) -> None:
    """Serve an ASGI application (or its import path) on listening sockets until SIGTERM or SIGINT.

    Whoever is connected gets the answers that are due; WebSockets are then closed with 1001 and told to come back,
    spread over some seconds. A `parent` gets one byte when this process accepts connections; when its end closes, we
    leave. `affinity` is this process's, if it is one of several on one port.
    """
    files.raise_limit()
    with suppress(KeyboardInterrupt):
        Server(configure(app), parent, affinity).run(list(sockets))


def configure(app: Any, *, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How Verbatim is served: the limits of the contract, and no compression, since frames are shared."""
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=HttpProtocol,
        ws=SocketProtocol,
        ws_max_size=MAX_FRAME_BYTES,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PONG_S,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=files.allowed() - files.LAST,
        timeout_graceful_shutdown=ANSWERED_S,
    )
