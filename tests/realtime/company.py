"""Company without sockets: ears that remember what they were told, and a clock that is set by hand or runs fast."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from realtime.company import Company
from realtime.encoding import payloads
from realtime.notice import BEAT_S, Ear
from realtime.redis_bus import RedisBus
from realtime.redis_exchange import RedisExchange
from realtime.server_frames import Somebody
from tests.cast import GENERAL
from tests.realtime.buses import HEALS_WITHIN_S

FAST = 10
"""How many times faster than the world the clock of a process with Redis runs."""


class Listening:
    """An `Ear`, which `keeps_up` or does not."""

    def __init__(self) -> None:
        self.keeps_up = True
        self.taken: list[bytes] = []

    def offer(self, frames: bytes) -> bool:
        if self.keeps_up:
            self.taken.append(frames)
        return self.keeps_up

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(payload) for frames in self.taken for payload in payloads(frames)]

    def told(self, type_: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] == type_]

    def present(self) -> list[str]:
        """The handles of those who were present at last."""
        told = self.told("presence")
        return [somebody["handle"] for somebody in told[-1]["present"]] if told else []

    def typing(self) -> list[list[str]]:
        """The handles of those who typed, time after time."""
        return [[somebody["handle"] for somebody in frame["who"]] for frame in self.told("typing")]


def somebody(name: str) -> Somebody:
    return Somebody(person=f"guest:{name}", handle=name)


class Alone(Company):
    """The company of a process without others, whose time passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(clock=lambda: self.now)

    def come(self, name: str, room: str = GENERAL, ear: Listening | None = None) -> Listening:
        ear = ear or Listening()
        self.enter(room, somebody(name), ear)
        return ear

    def go(self, name: str, ear: Listening, room: str = GENERAL, *, may_return: bool = True) -> None:
        self.leave(room, f"guest:{name}", ear, may_return=may_return)

    def type(self, name: str, room: str = GENERAL) -> None:
        self.note_typing(room, somebody(name), f"the socket of {name}")

    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += BEAT_S
            self.beat()


class FastExchange(RedisExchange):
    """An exchange for whom seconds are those of the fast clock."""

    def _terms(self, for_s: float) -> list[str | bytes]:
        return super()._terms(for_s / FAST)


class Process(Alone):
    """One of several processes: a bus and an exchange of its own; its clock runs fast, and `until` lets it beat."""

    def __init__(self, bus: RedisBus, exchange: RedisExchange) -> None:
        Company.__init__(self, exchange, lambda: time.monotonic() * FAST)
        self.bus = bus
        self.exchange = exchange

    def enter(self, room: str, who: Somebody, ear: Ear | None) -> None:
        self.bus.subscribe(room)
        super().enter(room, who, ear)

    def crowd(self, people: int, room: str = GENERAL) -> None:
        """Many people come, who do not listen."""
        for n in range(people):
            self.enter(room, somebody(f"guest {n}"), None)

    def is_told(self, room: str = GENERAL) -> bool:
        """Whether the others know everything of a room, and this one what they know."""
        gathering = self.presence.gatherings[room]
        return gathering.is_settled and gathering.lease is not None and gathering.lease.news is not None


@asynccontextmanager
async def process(url: str, *, is_ready: bool = True) -> AsyncIterator[Process]:
    """A process, which does not say goodbye at the end: to the others it was killed."""
    bus = RedisBus(url)
    exchange = FastExchange(bus, pace_s=0.02)
    await bus.start()
    while is_ready and not bus.reaches(GENERAL):
        await asyncio.sleep(0.005)
    yield Process(bus, exchange)
    await bus.stop()


def sees(ear: Listening, *handles: str) -> bool:
    """Whether an ear was last told of exactly these people."""
    return sorted(ear.present()) == sorted(handles)


async def until(condition: Callable[[], bool], *processes: Process) -> None:
    """Let processes beat until `condition` holds. Raises: TimeoutError."""
    async with asyncio.timeout(HEALS_WITHIN_S):
        while not condition():
            for each in processes:
                each.beat()
            await asyncio.sleep(0.005)
