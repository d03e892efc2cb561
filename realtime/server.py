"""The web server: uvicorn with our protocols, on uvloop."""

import logging
import socket
from typing import Any

import uvicorn

from realtime.http import HttpProtocol
from realtime.protocol import MAX_FRAME_BYTES
from realtime.upgraded import SocketProtocol

log = logging.getLogger("verbatim")

PING_S = 25.0
PONG_S = 10.0
SHUTDOWN_S = 10
BACKLOG = 4096


class Server(uvicorn.Server):
    """Says where it serves once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. Exits the process with a message when it cannot."""
        await super().startup(sockets=sockets)
        for listening in self.servers:
            host, port, *_ = listening.sockets[0].getsockname()
            log.info("Verbatim is at http://%s:%d", f"[{host}]" if ":" in host else host, port)


def run(app: Any, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve an ASGI application (or its import path) until SIGTERM or SIGINT; port 0 is any free one.

    Sockets are closed with 1001 and told to come back, spread over some seconds; requests have 10 s to end.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    Server(configure(app, host=host, port=port)).run()


def configure(app: Any, *, host: str, port: int) -> uvicorn.Config:
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
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
