"""A node: one web process and everything in it, built once, started and stopped in order."""

import asyncio
from typing import Any

from django.conf import settings

from commands.handlers import Handlers
from commands.identity import Guests
from commands.writer import Writer
from config import parts
from projections.queries import Queries
from projections.runner import Runner
from realtime.bus import LocalBus
from realtime.hub import Hubs


class Node:
    """The parts of a web process. `state` is what its edges find in `scope["state"]`."""

    def __init__(self) -> None:
        self._parts = parts.build()
        store, _, mapper, log = self._parts
        bus = LocalBus()
        self._writer = Writer(store, bus.publish)
        self._hubs = Hubs(log, bus)
        self._queries = Queries(log)
        self._runner = Runner(log) if settings.ON_SQLITE else None
        self._running: asyncio.Task[None] | None = None
        handlers = Handlers(
            store,
            mapper,
            self._writer,
            guests=settings.GUESTS,
            autocreate=settings.ROOMS_AUTOCREATE,
            limits=settings.LIMITS_ON,
        )
        self.started = False
        self.state: dict[str, Any] = {
            "handlers": handlers,
            "log": log,
            "guests": Guests(settings.SECRET_KEY),
            "queries": self._queries,
            "hubs": self._hubs,
        }

    async def start(self) -> None:
        """Open the store, then whatever reads it. Raises: NotDurable, StoreUnavailable."""
        await self._parts.open()
        await self._queries.open()
        self._writer.start()
        await self._hubs.start()
        if self._runner:
            self._running = asyncio.create_task(self._runner.run(), name="projections")
        self.started = True

    async def stop(self) -> None:
        """Take nothing new, commit what was taken, say goodbye to the sockets, close."""
        await self._writer.close()
        await self._hubs.stop()
        if self._runner and self._running:
            self._runner.stop()
            await self._running
        await self._queries.close()
        await self._parts.close()
        self.started = False
