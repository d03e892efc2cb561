"""A campaign: clients talk, a deployment is struck again and again, and in the end everything must be as promised."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tests.acceptance.clients import Client, RestClient, SocketClient, Watcher
from tests.acceptance.deployment import SECRET_KEY, read_log
from tests.acceptance.faults import Fault
from tests.acceptance.history import History, Mended, Struck
from tests.acceptance.promises import check
from tests.acceptance.readers import Reader
from tests.acceptance.views import read_views
from tests.acceptance.waiting import until

MOMENT_S = 0.05
HEARD_S = 600.0


class Crowd(NamedTuple):
    """Who is there besides a watcher of each room. A sender says one thing in `pace_s` on average, a fault comes after
    at most `calm` acknowledgements."""

    rooms: Sequence[str] = ("general", "garden", "kitchen")
    sockets: int = 4
    rests: int = 4
    readers: int = 1
    pace_s: float = 0.0
    calm: int = 80


class Campaign:
    """Clients of the web process on `port`, and what is done to it; `seed` decides when."""

    def __init__(self, port: int, folder: Path, *, seed: int, crowd: Crowd | None = None) -> None:
        self.history = History(folder / "history.jsonl")
        crowd = crowd or Crowd()
        self._calm = crowd.calm
        self._random = random.Random(seed)
        self._port = port
        who = (port, SECRET_KEY, crowd.rooms, self.history, crowd.pace_s)
        self._senders: list[Client] = [
            *(SocketClient(f"socket-{n}", *who) for n in range(crowd.sockets)),
            *(RestClient(f"rest-{n}", *who) for n in range(crowd.rests)),
        ]
        self._readers = [Reader(f"reader-{n}", *who) for n in range(crowd.readers)]
        self._watchers = [self._watcher("watcher", room) for room in crowd.rooms]

    async def run(self, faults: Sequence[Fault]) -> None:
        """Strike under load, then let everybody finish and hear everything. Raises: TimeoutError."""
        async with asyncio.TaskGroup() as clients:
            talking = [clients.create_task(client.run()) for client in (*self._senders, *self._readers)]
            watching = [clients.create_task(watcher.run()) for watcher in self._watchers]
            for fault in faults:
                await self._progress(self._random.randint(1, self._calm))
                await asyncio.sleep(self._random.uniform(0, MOMENT_S))
                await self._strike(fault)
            await self._progress(1)
            for client in (*self._senders, *self._readers):
                client.stopping = True
            await asyncio.wait(talking)
            late = [self._watcher("late", watcher.rooms[0]) for watcher in self._watchers]
            watching += [clients.create_task(watcher.run()) for watcher in late]
            everybody = partial(self._have_heard_everything, [*self._watchers, *late])
            await until(everybody, "the watchers to hear everything", HEARD_S)
            for task in watching:
                task.cancel()

    async def faults(self, database_url: str) -> list[str]:
        """What was promised and does not hold."""
        log = await read_log(database_url)
        return check(self.history.records, log, await read_views(self._port, database_url, log))

    @property
    def troubles(self) -> Counter[str]:
        """What senders got instead of answers."""
        return sum((client.troubles for client in self._senders), Counter())

    def _watcher(self, kind: str, room: str) -> Watcher:
        return Watcher(f"{kind}-{room}", self._port, SECRET_KEY, [room], self.history)

    async def _strike(self, fault: Fault) -> None:
        self.history.add(Struck(fault=fault.name, acknowledged=self.history.acknowledged))
        await fault.strike()
        mended = Mended(fault=fault.name)
        self.history.add(mended)
        await until(partial(self._is_answered, mended.at), f"an answer after {fault.name}")

    async def _is_answered(self, since: float) -> bool:
        return self.history.answered >= since

    async def _progress(self, messages: int) -> None:
        await until(partial(self._has, self.history.acknowledged + messages), f"{messages} more acknowledgements")

    async def _has(self, goal: int) -> bool:
        return self.history.acknowledged >= goal

    async def _have_heard_everything(self, watchers: Sequence[Watcher]) -> bool:
        return all(watcher.seq >= self.history.heads.get(watcher.rooms[0], 0) for watcher in watchers)
