"""What stands before Django and Channels: the node's life, and its parts in every scope."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from commands.store import NotDurable, StoreUnavailable
from config.admin import admin_port
from config.node import Node
from realtime.affinity import AFFINITY
from realtime.server import LEAVE

log = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Any, Any, Any], Awaitable[None]]
"""Any ASGI application; each library has its own words for the same three parameters."""


class Application:
    """Starts the node with the server (or with the first request, where a server knows no lifespan) and routes.

    Every HTTP and WebSocket scope finds the node's parts in `scope["state"]`.
    """

    def __init__(self, http: App, websocket: App, node: Node | None = None) -> None:
        self._http = http
        self._websocket = websocket
        self._node = node or Node()
        self._starting: asyncio.Lock | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            state = scope.setdefault("state", {})
            state[LEAVE] = self._node.leave
            self._node.count_affinity(state.get(AFFINITY))
            await self._live(receive, send)
            return
        await self._start()
        scope["state"] = {**scope.get("state", {}), **self._node.state}
        app = self._websocket if scope["type"] == "websocket" else self._http
        await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except (NotDurable, StoreUnavailable) as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        except Exception as error:
            log.exception("cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        async with admin_port(self._http, self._node.state):
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._node.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        if self._node.started:
            return
        self._starting = self._starting or asyncio.Lock()
        async with self._starting:
            if not self._node.started:
                await self._node.start()
