"""One end of bench/bus.py: `python -m bench.carrying NAME (hear|publish) URL BATCH SECONDS` prints its CPU as JSON."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import redis.asyncio
import uvloop
from redis.asyncio.client import PubSub

from commands.subscription import Recorded
from realtime.hints import Hints, unpack
from realtime.redis_bus import RedisBus

ROOMS = [f"room-{i}" for i in range(16)]
PAUSE_S = 0.005
STATE = os.urandom(360)
LAST = "the last one"

type Publish = Callable[[Sequence[Recorded]], Awaitable[None]]
type Take = Callable[[Sequence[Recorded]], None]


@asynccontextmanager
async def verbatim(url: str, take: Take, rooms: Sequence[str]) -> AsyncIterator[Publish]:
    """The bus as a web process has it."""
    bus = RedisBus(url)
    bus.deliver_to(take)
    await bus.start()
    for room in rooms:
        bus.subscribe(room)
    while not bus.state.connected or bus.state.rooms_missing:  # noqa: ASYNC110 - once, before it is measured
        await asyncio.sleep(0.01)

    async def publish(events: Sequence[Recorded]) -> None:
        bus.publish(events)

    yield publish
    await bus.stop()


@asynccontextmanager
async def redis_py(url: str, take: Take, rooms: Sequence[str]) -> AsyncIterator[Publish]:
    """What one would write with redis-py: its hiredis parser, a pipeline of PUBLISH, `listen()`; the same packets."""
    client = redis.asyncio.from_url(url)
    hints = Hints()

    async def publish(events: Sequence[Recorded]) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for room, hinted in by_room(events).items():
                pipeline.publish(room, hints.pack(hinted))
            await pipeline.execute()

    async with client.pubsub() as listening:
        await listening.subscribe(*rooms or ["nobody"])
        hearing = asyncio.create_task(listen(listening, take))
        yield publish
        hearing.cancel()
    await client.aclose()


async def listen(listening: PubSub, take: Take) -> None:
    """Take what a pub/sub of redis-py hears."""
    async for message in listening.listen():
        if message["type"] == "message":
            take(unpack(message["data"]))


def by_room(events: Sequence[Recorded]) -> dict[str, list[Recorded]]:
    """Events under their rooms."""
    rooms: dict[str, list[Recorded]] = {}
    for event in events:
        rooms.setdefault(event.stream, []).append(event)
    return rooms


@asynccontextmanager
async def nothing(_url: str, _take: Take, _rooms: Sequence[str]) -> AsyncIterator[Publish]:
    """What the benchmark itself costs."""

    async def publish(events: Sequence[Recorded]) -> None:
        pass

    yield publish


CONTENDERS = {"verbatim": verbatim, "redis-py": redis_py, "nothing": nothing}


async def hear(contender: str, url: str, batch: int, _seconds: float) -> dict[str, float]:
    """Take what comes until the last one; answers µs of CPU for a message (a room's events of a batch)."""
    done = asyncio.Event()
    heard = 0
    delays: list[float] = []

    def take(events: Sequence[Recorded]) -> None:
        nonlocal heard
        heard += len(events)
        delays.append(time.monotonic_ns() / 1e6 - events[-1].position / 1e6)
        if events[-1].subject == LAST:
            done.set()

    async with CONTENDERS[contender](url, take, ROOMS):
        print("ready", flush=True)
        before = time.process_time()
        await done.wait()
        cpu = time.process_time() - before
    delays.sort()
    messages = heard / max(1, batch // len(ROOMS))
    return {"hear": cpu / messages * 1e6, "delay": delays[int(len(delays) * 0.99)]}


async def publish(contender: str, url: str, batch: int, seconds: float) -> dict[str, float]:
    """Publish a batch again and again; answers µs of CPU for one."""
    batches = int(seconds / PAUSE_S)
    async with CONTENDERS[contender](url, lambda _: None, ()) as send:
        before = time.process_time()
        for i in range(batches):
            await send(events_of(i, batch, last=i == batches - 1))
            await asyncio.sleep(PAUSE_S)
        cpu = time.process_time() - before
    return {"publish": cpu / batches * 1e6}


def events_of(i: int, batch: int, *, last: bool) -> list[Recorded]:
    """A batch as the writer commits it. The position is the time, for want of a better place."""
    subject = LAST if last else "message:0190a2b3c4d5e6f708192a3b4c5d6e7f"
    rooms = [ROOMS[(i + j) % len(ROOMS)] for j in range(batch)]
    return [Recorded(time.monotonic_ns(), room, i, "message.posted", subject, STATE) for room in rooms]


if __name__ == "__main__":
    _, name, end, address, size, duration = sys.argv
    ends = {"hear": hear, "publish": publish}
    print(json.dumps(uvloop.run(ends[end](name, address, int(size), float(duration)))))
