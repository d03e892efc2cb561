"""One contender of bench/appends.py: `python -m bench.posting NAME URL POSTERS SECONDS` prints its figures as JSON."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import uvloop

from commands.events import MessagePosted, Numbered
from commands.handlers import Handlers
from commands.identity import Caller
from commands.keyring import Keyring
from commands.message import PostMessage, new_id
from commands.postgres import PostgresStore
from commands.postgres_vault import PostgresVault
from commands.sealing import Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.store import Condition, Entry, NewEvent, Store
from commands.writer import Writer

TEXT = "The quick brown fox jumps over the lazy dog, and says so to everybody in the room. " * 2
ROOMS = 20
WARM_UP_S = 1.0

type Post = Callable[[int], Awaitable[object]]


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[tuple[Store, Mapper, Writer]]:
    """A store with its keys and its writer, as a web process has them."""
    vault: SQLiteVault | PostgresVault
    store: SQLiteStore | PostgresStore
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        store, vault = SQLiteStore(path), SQLiteVault(path.with_suffix(".keys"))
    else:
        store = PostgresStore(url)
        vault = PostgresVault(store)
    await store.open()
    await vault.open()
    mapper = Mapper(Keyring(vault, bytes(32)))
    writer = Writer(store, lambda _: None)
    writer.start()
    yield store, mapper, writer
    await writer.close()
    await vault.close()
    await store.close()


@asynccontextmanager
async def commands(url: str) -> AsyncIterator[Post]:
    """The whole way of a command: check, decide, seal, append."""
    async with open_store(url) as (store, mapper, writer):
        handlers = Handlers(store, mapper, writer, limits=False)
        yield lambda i: handlers.handle(PostMessage(room=room_of(i), message=TEXT), caller(i))


@asynccontextmanager
async def writer(url: str) -> AsyncIterator[Post]:
    """The writer alone: entries with a post's three conditions, their events sealed beforehand."""
    async with open_store(url) as (_, mapper, writing):
        posters = [caller(i) for i in range(256)]
        for who in posters:
            await mapper.keyring.ensure(who.person)
        sealed = [_sealed(mapper, who, room_of(i)) for i, who in enumerate(posters)]
        yield lambda i: writing.submit(_Posting(posters[i], room_of(i), sealed[i]))


@asynccontextmanager
async def acreate(url: str) -> AsyncIterator[Post]:
    """What a Django developer would write: one row, one `acreate()`."""
    from bench.rival import prepare  # noqa: PLC0415  # Django is set up for this contender only

    create = await asyncio.to_thread(prepare, url)
    yield lambda i: create(room_of(i), caller(i).handle, TEXT)


def _sealed(mapper: Mapper, who: Caller, room: str) -> NewEvent:
    event = MessagePosted(
        actor=who.person,
        occurred_at=time.time_ns() // 1_000_000,
        request_id=who.request_id,
        message_id=new_id(),
        message=TEXT,
        handle=who.handle,
    )
    return mapper.seal(room, event)


class _Posting:
    """A message on its way into the store, without the decision; its id is its own, so that nothing conflicts."""

    def __init__(self, who: Caller, room: str, sealed: NewEvent) -> None:
        self.lane = (room, who.person)
        event = sealed._replace(subject=f"message:{new_id()}")
        conditions = [Condition("rules", 0), Condition(f"member:{who.person}", 0), Condition(event.subject, 0)]
        self.entry = Entry(room, conditions, [event])

    def recorded(self, numbers: Sequence[Numbered]) -> int:
        return numbers[0].seq

    async def decide_again(self) -> int | None:
        raise AssertionError("nothing here conflicts")


def caller(i: int) -> Caller:
    """One of the posters."""
    return Caller(person=f"guest:{i:04d}", handle=f"u{i:04d}", request_id=f"request-{i:04d}", address="192.0.2.1")


def room_of(i: int) -> str:
    """The room a poster posts in."""
    return f"room-{i % ROOMS}"


async def measure(
    contender: Callable[[str], AbstractAsyncContextManager[Post]], url: str, posters: int, seconds: float
) -> dict[str, float]:
    """Let every poster post as fast as it is answered; count what was answered after the warm-up."""
    latencies: list[float] = []
    async with contender(url) as post:
        for i in range(posters):
            await post(i)
        begin = time.monotonic() + WARM_UP_S
        end = begin + seconds

        async def poster(i: int) -> None:
            while (sent := time.monotonic()) < end:
                await post(i)
                if sent >= begin:
                    latencies.append(time.monotonic() - sent)

        await asyncio.gather(*(poster(i) for i in range(posters)))
    latencies.sort()
    return {"rate": len(latencies) / seconds, "p99_ms": 1000 * latencies[int(len(latencies) * 0.99)]}


if __name__ == "__main__":
    _, name, url, posters, seconds = sys.argv
    contenders = {"writer": writer, "commands": commands, "acreate": acreate}
    print(json.dumps(uvloop.run(measure(contenders[name], url, int(posters), float(seconds)))))
