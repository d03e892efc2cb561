"""An ASGI application's life, as a server leads it: started before the first request, stopped after the last."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

type Message = MutableMapping[str, Any]
type App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


@asynccontextmanager
async def alive(application: App) -> AsyncIterator[None]:
    """Send startup, and shutdown at the end; either must succeed."""
    to_app: asyncio.Queue[Message] = asyncio.Queue()
    from_app: asyncio.Queue[Message] = asyncio.Queue()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_live(application, to_app.get, from_app.put))
        await to_app.put({"type": "lifespan.startup"})
        assert await from_app.get() == {"type": "lifespan.startup.complete"}
        try:
            yield
        finally:
            await to_app.put({"type": "lifespan.shutdown"})
            assert await from_app.get() == {"type": "lifespan.shutdown.complete"}


async def _live(application: App, receive: Any, send: Any) -> None:
    await application({"type": "lifespan"}, receive, send)
