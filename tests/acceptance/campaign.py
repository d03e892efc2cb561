"""A campaign: clients talk, a deployment is struck again and again, and in the end everything must be as promised.

A fault is anything with a name that can `strike`: do its harm, and mend what would not mend itself.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from tests.acceptance.clients import Client, RestClient, SocketClient, Watcher
from tests.acceptance.deployment import SECRET_KEY, read_log
from tests.acceptance.history import History, Struck, check
from tests.server_process import Server

ROOMS = ("general", "garden", "kitchen")
PROGRESS_S = 60.0
MOST_BETWEEN_STRIKES = 80
MOMENT_S = 0.05


class Fault(Protocol):
    """Something that may happen to a deployment."""

    @property
    def name(self) -> str: ...

    def strike(self) -> None:
        """Do harm, and bring back what does not come back by itself."""


class Kill:
    """`kill -9` of a process and its children, and a fresh start."""

    def __init__(self, server: Server) -> None:
        self.name = f"kill -9 {type(server).__name__}"
        self._server = server

    def strike(self) -> None:
        self._server.kill()
        self._server.start()


class Campaign:
    """Clients of the web process on `port`, and what is done to it; `seed` decides when and what."""

    def __init__(self, port: int, folder: Path, *, seed: int) -> None:
        self.history = History(folder / "history.jsonl")
        self._random = random.Random(seed)
        self._senders: list[Client] = [
            *(SocketClient(f"socket-{n}", port, SECRET_KEY, ROOMS, self.history) for n in range(4)),
            *(RestClient(f"rest-{n}", port, SECRET_KEY, ROOMS, self.history) for n in range(4)),
        ]
        self._watchers = [Watcher(f"watcher-{room}", port, SECRET_KEY, [room], self.history) for room in ROOMS]

    async def run(self, faults: Sequence[Fault], *, strikes: int) -> None:
        """Strike so many times under load, then let everybody finish and hear everything. Raises: TimeoutError."""
        async with asyncio.TaskGroup() as clients:
            senders = [clients.create_task(client.run()) for client in self._senders]
            watchers = [clients.create_task(watcher.run()) for watcher in self._watchers]
            for _ in range(strikes):
                await self._progress(self._random.randint(1, MOST_BETWEEN_STRIKES))
                await asyncio.sleep(self._random.uniform(0, MOMENT_S))
                await self._strike(self._random.choice(faults))
            await self._progress(1)
            for client in self._senders:
                client.stopping = True
            await asyncio.wait_for(asyncio.gather(*senders), PROGRESS_S)
            await until(self._everything_was_heard, "a watcher to hear everything that was acknowledged")
            for task in watchers:
                task.cancel()

    async def faults(self, database_url: str) -> list[str]:
        """What was promised and does not hold."""
        return check(self.history.records, await read_log(database_url))

    async def _strike(self, fault: Fault) -> None:
        self.history.add(Struck(fault=fault.name, acknowledged=self.history.acknowledged))
        await asyncio.to_thread(fault.strike)

    async def _progress(self, messages: int) -> None:
        goal = self.history.acknowledged + messages
        await until(lambda: self._has(goal), f"{messages} more acknowledgements")

    async def _has(self, goal: int) -> bool:
        return self.history.acknowledged >= goal

    async def _everything_was_heard(self) -> bool:
        return all(watcher.seq >= self.history.heads.get(watcher.rooms[0], 0) for watcher in self._watchers)


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition. Raises: TimeoutError that names it."""
    try:
        async with asyncio.timeout(PROGRESS_S):
            while not await condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise TimeoutError(f"waited {PROGRESS_S} s for {what}") from None
