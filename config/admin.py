"""A process's own port for whoever operates it: its metrics and its health, whichever process answers elsewhere."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from django.conf import settings

from api.application import App, Receive, Scope, Send
from realtime.server import configure

log = logging.getLogger("verbatim")


PORTS = 16
"""How many ports, from `METRICS_PORT` on, the processes of a machine share."""


@asynccontextmanager
async def admin_port(rest: App, state: Mapping[str, Any]) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/…` meanwhile, on the first free port from `METRICS_PORT` on, if that is set.

    `rest` serves them, and finds `state` in its scopes. Nothing that happens here keeps a process from its work.
    """
    listener = _listen() if settings.METRICS_PORT is not None else None
    if listener is None:
        yield
        return
    host, port, *_ = listener.getsockname()
    log.info("metrics are at http://%s:%d/metrics", f"[{host}]" if ":" in host else host, port)
    config = configure(_only_for_operators(rest, state))
    config.lifespan = "off"
    server = _Guest(config)
    serving = asyncio.create_task(server.serve([listener]), name="admin port")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _listen() -> socket.socket | None:
    family = socket.AF_INET6 if ":" in settings.METRICS_HOST else socket.AF_INET
    first = settings.METRICS_PORT
    for port in range(first, first + PORTS) if first else [0]:
        try:
            return socket.create_server((settings.METRICS_HOST, port), family=family)
        except OSError as error:
            reason = error
    log.error("no metrics: cannot listen on %s from port %d on: %s", settings.METRICS_HOST, first, reason)
    return None


async def no_page(scope: Scope, receive: Receive, send: Send) -> None:
    """What there is at every other address: nothing."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close"})


def _only_for_operators(rest: App, state: Mapping[str, Any]) -> App:
    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and (scope["path"] == "/metrics" or scope["path"].startswith("/health/"))
        await (rest if ours else no_page)({**scope, "state": state}, receive, send)

    return serve


class _Guest(uvicorn.Server):
    """A server in a process that has its own ways with signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
