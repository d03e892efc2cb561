"""A node: one web process and everything in it, built once, started and stopped in order."""

import asyncio
from typing import Any

from django.conf import settings

from api.streaming import Turns
from archive.exporting import Exports
from commands.handlers import Handlers
from commands.identity import Guests
from commands.refusals import Refusals
from commands.writer import Writer
from config import parts
from config.metrics import Metrics
from config.retaining import Retaining
from config.tokens import Tokens
from projections.queries import Queries
from realtime.affinity import Affinity
from realtime.bus import LocalBus
from realtime.company import Company
from realtime.faults import faulty
from realtime.hubs import Hubs
from realtime.redis_bus import RedisBus
from realtime.redis_exchange import RedisExchange

EXPORTS_AT_A_TIME = 2
"""Exports that are made at a time for readers, and as many for auditors: neither keeps the others out."""
PATIENCE_S = 5.0
"""How long what was asked before the server leaves may take to be answered."""


class Node:
    """The parts of a web process. `state` is what its edges find in `scope["state"]`."""

    def __init__(self) -> None:
        self._parts = parts.build()
        store, _, _, log = self._parts
        self._redis = RedisBus(settings.REDIS_URL) if settings.REDIS_URL else None
        bus = faulty(self._redis or LocalBus(), settings.BUS_FAULT)
        self._writer = Writer(store, bus.publish)
        self._refusals = Refusals(self._parts.mapper, self._writer)
        self._queries = Queries(log)
        company = Company(RedisExchange(self._redis) if self._redis else None)
        self._hubs = Hubs(log, bus, company, rooms_of=self._queries.rooms_of)
        self._tokens = Tokens()
        self._runner = parts.runner(log) if settings.ON_SQLITE else None
        self._running: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self.started = False
        self.state = self._state()
        self._retaining = Retaining(self.state["administration"], self._queries, log)

    def _state(self) -> dict[str, Any]:
        queries, writer, refusals = self._queries, self._writer, self._refusals
        metrics = Metrics(f"web-{settings.WORKER}", queries, writer=writer, hubs=self._hubs, bus=self._redis)
        return {
            "handlers": _handlers(self._parts, writer, refusals),
            "administration": parts.administration(self._parts, writer, queries, refusals),
            "refused": refusals,
            "log": self._parts.log,
            "guests": Guests(settings.SECRET_KEY),
            "tokens": self._tokens,
            "queries": queries,
            "exports": Exports(self._parts.log, queries, settings.SIGNING_KEY),
            "export_turns": {auditors: Turns(EXPORTS_AT_A_TIME) for auditors in (False, True)},
            "hubs": self._hubs,
            "metrics": metrics,
            "refusals": metrics.refusals,
        }

    async def start(self) -> None:
        """Open the store, then whatever reads it. Raises: NotDurable, StoreUnavailable."""
        await self._parts.open()
        await self._queries.open()
        await self._tokens.open()
        self._writer.start()
        self._refusals.start()
        if self._redis:
            await self._redis.start()
        await self._hubs.start()
        self._retaining.start()
        if self._runner:
            self._running = asyncio.create_task(self._runner.run(), name="projections")
        self.started = True

    def count_affinity(self, affinity: Affinity | None) -> None:
        """Tell in the metrics what was handed over, too."""
        self.state["metrics"].affinity = affinity

    def leave(self) -> None:
        """The server takes nothing new. Those who cannot be answered in time are refused, and told to come back."""
        self._leaving = asyncio.create_task(self._lose_patience(), name="leave")

    async def stop(self) -> None:
        """Commit what was taken and answer it, say goodbye to the sockets that are left, and close."""
        if self._leaving:
            self._leaving.cancel()
        await self._retaining.stop()
        await self._refusals.stop()
        await self._writer.close()
        await self._hubs.stop()
        if self._redis:
            await self._redis.stop()
        if self._runner and self._running:
            self._runner.stop()
            await self._running
        await self._tokens.close()
        await self._queries.close()
        await self._parts.close()
        self.started = False

    async def _lose_patience(self) -> None:
        await asyncio.sleep(PATIENCE_S)
        await self._writer.close(within_s=0)
        self._hubs.say_goodbye()


def _handlers(those: parts.Parts, writer: Writer, refusals: Refusals) -> Handlers:
    return Handlers(
        those.store,
        those.mapper,
        writer,
        guests=settings.GUESTS,
        autocreate=settings.ROOMS_AUTOCREATE,
        limits=settings.LIMITS_ON,
        refusals=refusals,
    )
