"""A deployment in miniature: a real store, everything behind sockets, and our server in front, in one event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import batched
from pathlib import Path
from typing import Any

from commands.administration import Administration
from commands.erasing import Erase, Expire
from commands.events import Cause, Event, MessagePosted, RoomOpened
from commands.handlers import Handlers, Receipt
from commands.identity import Caller, Guests
from commands.keyring import Keyring
from commands.message import PostMessage, new_id
from commands.postgres import PostgresStore
from commands.postgres_vault import PostgresVault
from commands.sealing import Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.store import Condition, Entry, Recorded, Store
from commands.subscription import Log
from commands.writer import Writer
from realtime.affinity import Affinity
from realtime.bus import Bus, LocalBus
from realtime.company import Company
from realtime.hubs import Hubs
from realtime.routing import websockets
from realtime.server import Server, configure
from tests.cast import ADA, GENERAL, NOON
from tests.realtime.client import Client

READY_S = 10.0


class World:
    """One node: commands go in by `say` or over sockets, events come out of the hubs."""

    def __init__(
        self, store: Store, vault: SQLiteVault | PostgresVault, bus: Bus, company: Company | None = None
    ) -> None:
        self.store = store
        self.bus = bus
        self.guests = Guests("a secret of the tests")
        self.port = 0
        self._vault = vault
        self._mapper = mapper = Mapper(Keyring(vault, bytes(range(32))))
        self.log = Log(store, mapper)
        self._writer = Writer(store, self.publish)
        self.handlers = Handlers(store, mapper, self._writer, limits=False)
        self.hubs = Hubs(self.log, bus, company, rooms_of=self.rooms_of)
        self.administration = Administration(store, mapper, self._writer, self.log, self)
        self.deaf = False
        """Whether this node's events are kept from the bus."""

    async def open(self) -> None:
        await self.store.open()
        await self._vault.open()
        self._writer.start()
        await self.hubs.start()

    async def close(self) -> None:
        await self._writer.close()
        await self.hubs.stop()
        await self._vault.close()
        await self.store.close()

    def publish(self, events: Sequence[Recorded]) -> None:
        if not self.deaf:
            self.bus.publish(events)

    async def say(self, message: str, room: str = GENERAL, person: str = ADA, **more: Any) -> Receipt:
        return await self.handlers.handle(PostMessage(room=room, message=message, **more), self.caller(person))

    async def erase(self, person: str) -> None:
        await self.administration.carry_out(Erase(person=person), self.caller("bot:auditor"))

    async def end(self, room: str, before: str) -> None:
        await self.administration.carry_out(
            Expire(room=room, since=before, before=before), self.caller("bot:retention")
        )

    async def rooms_of(self, person: str, *, min_position: int) -> list[str]:
        """See `Traces`: here the log itself is asked."""
        facts = await self.log.read_all(after=0, limit=10_000)
        return sorted({fact.recorded.stream for fact in facts if fact.event and fact.event.actor == person})

    async def took_part(self, room: str, persons: Sequence[str], *, min_position: int) -> list[str]:
        return [each for each in persons if room in await self.rooms_of(each, min_position=min_position)]

    def caller(self, person: str) -> Caller:
        return Caller(person=person, handle=person.partition(":")[2], request_id="test")

    async def fill(self, count: int, room: str = GENERAL) -> None:
        """Add so many events to a room; the first one opens it if need be. Quick: they are appended as they are."""
        count -= 0 if await self.log.head(room) else (await self.say("line 2", room)).seq
        await self._mapper.keyring.ensure(ADA)
        for some in batched(range(count), 500, strict=False):
            await self._append(room, [_line(f"line {n}", NOON) for n in some])

    async def fill_at(self, *times: int, room: str = GENERAL) -> None:
        """Add an event for each of these times (Unix ms); the first one of all opens the room."""
        await self._mapper.keyring.ensure(ADA)
        lines: list[Event] = [_line(f"at {time}", time) for time in times]
        if not await self.log.head(room):
            lines[0] = RoomOpened(**Cause(ADA, times[0], "test").stamp(), title="", visibility="public")
        await self._append(room, lines)

    async def _append(self, room: str, lines: Sequence[Event]) -> None:
        events = [self._mapper.seal(room, line) for line in lines]
        entry = Entry(room, [Condition(event.subject, 0) for event in events], events)
        (numbers,) = await self.store.append([entry])
        rows = zip(numbers, events, strict=True)
        self.publish([Recorded(at[1], room, at[0], event.topic, event.subject, event.state) for at, event in rows])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        else:
            scope["state"] = {"handlers": self.handlers, "guests": self.guests, "hubs": self.hubs}
            await websockets(scope, receive, send)

    @asynccontextmanager
    async def serve(self, affinity: Affinity | None = None, **settings: Any) -> AsyncIterator[Server]:
        """Our server on a free port, configured as `run` does it but for `settings`."""
        config = configure(self, host="127.0.0.1", port=0)
        for name, value in settings.items():
            setattr(config, name, value)
        server = Server(config, affinity=affinity)
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            self.port = listener.getsockname()[1]
            serving = asyncio.create_task(server._serve([listener]))
            async with asyncio.timeout(READY_S):
                while not server.started:
                    await asyncio.sleep(0.001)
            try:
                yield server
            finally:
                server.should_exit = True
                await serving

    def token(self, person: str) -> str:
        return self.guests.issue(person, person.partition(":")[2])[1]

    @asynccontextmanager
    async def connect(self, path: str = "/chat/", **how: Any) -> AsyncIterator[Client]:
        """A socket in `verbatim.v1` from a page of our own, after its welcome."""
        async with Client.connect(self.port, path, **how) as client:
            client.welcome = await client.receive("welcome")
            yield client


def _line(text: str, time: int) -> MessagePosted:
    cause = Cause(ADA, time, "test")
    return MessagePosted(**cause.stamp(), message_id=new_id(), message=text, handle="ada")


@asynccontextmanager
async def sqlite_world(folder: Path, bus: Bus | None = None, company: Company | None = None) -> AsyncIterator[World]:
    """A world in this folder; several in one are processes of one deployment."""
    store = SQLiteStore(folder / "events.sqlite3")
    world = World(store, SQLiteVault(folder / "keys.sqlite3"), bus or LocalBus(), company)
    await world.open()
    try:
        yield world
    finally:
        await world.close()


@asynccontextmanager
async def postgres_world(url: str, bus: Bus | None = None) -> AsyncIterator[World]:
    """A world in a PostgreSQL database."""
    store = PostgresStore(url)
    world = World(store, PostgresVault(store), bus or LocalBus())
    await world.open()
    try:
        yield world
    finally:
        await world.close()
