"""A process's own port for whoever operates it: its metrics and its health, whichever process answers elsewhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from django.conf import settings

from api.application import App, Receive, Scope, Send
from realtime.server import configure


@asynccontextmanager
async def admin_port(rest: App, state: Mapping[str, Any], *, nth: int = 0) -> AsyncIterator[None]:
    """Serve `/metrics` and `/health/…` on `METRICS_PORT` + `nth` meanwhile, if there is one.

    `rest` serves them, and finds `state` in its scopes. Exits the process with a message when it cannot listen.
    """
    if settings.METRICS_PORT is None:
        yield
        return
    config = configure(_only_for_operators(rest, state), host=settings.METRICS_HOST, port=settings.METRICS_PORT + nth)
    config.lifespan = "off"
    server = _Guest(config)
    serving = asyncio.create_task(server.serve(), name="admin port")
    try:
        yield
    finally:
        server.should_exit = True
        await serving


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
