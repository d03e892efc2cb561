"""A process's own port for whoever operates it: its metrics and its health, whichever process answers elsewhere."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from django.conf import settings

from config.application import App, Receive, Scope, Send
from realtime.server import configure


class Admin:
    """Serves `/metrics` and `/health/…` on `METRICS_HOST` at a port, beside whatever else the process does.

    `rest` serves them; `state` is what it finds in its scopes.
    """

    def __init__(self, rest: App, state: Mapping[str, Any], port: int) -> None:
        self._rest = rest
        self._state = state
        config = configure(self._serve, host=settings.METRICS_HOST, port=port)
        config.lifespan = "off"
        self._server = _Quiet(config)
        self._serving: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Exits the process with a message when it cannot."""
        self._serving = asyncio.create_task(self._server.serve(), name="admin")

    async def stop(self) -> None:
        """Listen no more."""
        self._server.should_exit = True
        if self._serving:
            await self._serving

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] == "/metrics" or scope["path"].startswith("/health/")):
            await self._rest({**scope, "state": self._state}, receive, send)
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
        else:
            await send({"type": "websocket.close"})


class _Quiet(uvicorn.Server):
    """A server within another program, which has its own ways with signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
