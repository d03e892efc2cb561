"""Redis buses under test: each stands for one web process, and remembers what it heard."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from commands.subscription import Recorded
from realtime.redis_bus import RedisBus
from tests.cast import GENERAL

HEALS_WITHIN_S = 20.0


class Listening(RedisBus):
    """A bus, and the (room, seq) of what it delivered, in order."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.heard: list[tuple[str, int]] = []
        self.deliver_to(lambda events: self.heard.extend((event.stream, event.seq) for event in events))

    def seqs(self, room: str = GENERAL) -> list[int]:
        return [seq for heard_in, seq in self.heard if heard_in == room]

    def is_ready(self) -> bool:
        """Whether every server is connected, and every room subscribed to."""
        state = self.state
        return state.connected == state.servers > 0 and not state.rooms_missing and self._topology.owner(0) is not None


@asynccontextmanager
async def process(url: str, *rooms: str) -> AsyncIterator[Listening]:
    """A process that has sockets in these rooms, once it is ready."""
    async with starting(url, *rooms) as bus:
        await until(bus.is_ready)
        yield bus


@asynccontextmanager
async def starting(url: str, *rooms: str) -> AsyncIterator[Listening]:
    """The same, whether Redis is there or not."""
    bus = Listening(url)
    await bus.start()
    for room in rooms:
        bus.subscribe(room)
    yield bus
    await bus.stop()


def events(*seqs: int, room: str = GENERAL, state: bytes = b"{}") -> list[Recorded]:
    """Recorded events of a room."""
    return [Recorded(1000 + seq, room, seq, "message.posted", f"message:{seq}", state) for seq in seqs]


async def until(condition: Callable[[], bool], timeout_s: float = HEALS_WITHIN_S) -> float:
    """Wait until `condition` holds; answers how many seconds that took. Raises: TimeoutError."""
    began = time.monotonic()
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
    return time.monotonic() - began


async def gets_through(sender: RedisBus, listener: Listening, room: str = GENERAL, after: int = 0) -> float:
    """Publish event after event until one arrives; answers how many seconds that took."""
    seq = after

    def arrived() -> bool:
        nonlocal seq
        seq += 1
        sender.publish(events(seq, room=room))
        return any(heard > after for heard in listener.seqs(room))

    return await until(arrived)
