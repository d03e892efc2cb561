"""What may happen to a deployment. `strike` does it and mends it; when it returns, what was struck is back."""

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal, Protocol

from tests.acceptance.fleet import Fleet
from tests.acceptance.waiting import until
from tests.cable import Cable
from tests.server_process import Server

type How = Literal["cut", "silent", "silent onward", "silent backward"]
LOOK_S = 0.05
HOWS: tuple[How, ...] = ("cut", "silent", "silent onward", "silent backward")


class Fault(Protocol):
    """Something that may happen to a deployment."""

    @property
    def name(self) -> str: ...

    async def strike(self) -> None:
        """Do harm, and bring back what does not come back by itself."""


class Kill:
    """`kill -9` of a process and its children, and a fresh start after a while."""

    def __init__(self, server: Server, away_s: float = 0.0) -> None:
        self.name = f"kill -9 {type(server).__name__}"
        self._server = server
        self._away_s = away_s

    async def strike(self) -> None:
        await asyncio.to_thread(self._server.kill)
        await asyncio.sleep(self._away_s)
        await asyncio.to_thread(self._server.start)


class KillWorker:
    """`kill -9` of one web process; its parent starts another."""

    name = "kill -9 worker"

    def __init__(self, fleet: Fleet, number: int) -> None:
        self._fleet = fleet
        self._number = number

    async def strike(self) -> None:
        ready = self._fleet.ready
        self._fleet.workers[self._number].kill()
        await until(partial(self._serve_more_than, ready), "another worker to serve")

    async def _serve_more_than(self, ready: int) -> bool:
        await asyncio.sleep(LOOK_S)
        return self._fleet.ready > ready


class Roll:
    """A rolling restart: SIGHUP to the parent, SIGTERM to one worker after the other."""

    name = "roll"

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    async def strike(self) -> None:
        await asyncio.to_thread(self._fleet.roll)


class Restart:
    """SIGTERM, and a fresh start."""

    def __init__(self, server: Server) -> None:
        self.name = f"SIGTERM {type(server).__name__}"
        self._server = server

    async def strike(self) -> None:
        code, _ = await asyncio.to_thread(self._server.terminate)
        assert code == 0, f"{self.name}: exit code {code}\n{self._server.said()}"
        await asyncio.to_thread(self._server.start)


class Cut:
    """A cable that is cut, or goes silent, for a while."""

    def __init__(self, to: str, cable: Cable, how: How, for_s: float) -> None:
        self.name = f"{how} to {to}"
        self._cable = cable
        self._how = how
        self._for_s = for_s

    async def strike(self) -> None:
        if self._how == "cut":
            self._cable.cut()
        else:
            self._cable.silence(onward=self._how != "silent backward", backward=self._how != "silent onward")
        await asyncio.sleep(self._for_s)
        self._cable.mend()


type Kinds = Mapping[str, Callable[[random.Random, int], Fault]]
"""What may happen, made by chance and by turns."""


def draw(kinds: Kinds, counts: Mapping[str, int], seed: int) -> list[Fault]:
    """So many faults of each kind, in the order and of the sort that `seed` decides."""
    chance = random.Random(seed)
    drawn = [kinds[kind](chance, turn) for kind, count in counts.items() for turn in range(count)]
    chance.shuffle(drawn)
    return drawn
