"""A whole deployment under cables: two web processes and two that project, beside PostgreSQL and Redis.

Every connection of its processes and of its clients is carried by a cable that can be cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from tests.acceptance.deployment import Projector, migrated_database
from tests.acceptance.faults import HOWS, Cut, Fault, Kill, KillWorker, Kinds, Restart, Roll
from tests.acceptance.fleet import Fleet
from tests.cable import Cable
from tests.servers import LOOPBACK, Postgres, Valkey


class Site(NamedTuple):
    """The parts, and the cables to them. `database_url` is the way past the cable."""

    postgres: Postgres
    valkey: Valkey
    fleet: Fleet
    projectors: list[Projector]
    database_url: str
    cables: dict[str, Cable]

    @property
    def port(self) -> int:
        """Where clients come in."""
        return self.cables["web"].port

    def kinds(self, cut_s: tuple[float, float]) -> Kinds:
        """All that may happen here; a cable is away for a time between those two."""
        fleet, cables = self.fleet, list(self.cables.items())
        deaths: list[Fault] = [KillWorker(fleet, 0), Kill(fleet), KillWorker(fleet, 1)]
        rolls: list[Fault] = [Roll(fleet), Restart(fleet), *map(Restart, self.projectors)]
        return {
            "web": lambda _, turn: deaths[turn % 3],
            "projections": lambda _, turn: Kill(self.projectors[turn % 2]),
            "postgres": lambda chance, _: Kill(self.postgres, chance.uniform(0, 1)),
            "redis": lambda chance, _: Kill(self.valkey, chance.uniform(0, 1)),
            "cuts": lambda chance, turn: Cut(*cables[turn % 3], chance.choice(HOWS), chance.uniform(*cut_s)),
            "rolls": lambda _, turn: rolls[turn % 4],
        }


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A deployment that runs until the end of `with`."""
    async with AsyncExitStack() as stack:
        postgres = await asyncio.to_thread(stack.enter_context, Postgres())
        valkey = await asyncio.to_thread(stack.enter_context, Valkey())
        direct = migrated_database(postgres)
        database, bus = Cable(postgres.port), Cable(valkey.port)
        for cable in (database, bus):
            await stack.enter_async_context(cable)
        url = direct.replace(f":{postgres.port}/", f":{database.port}/")
        fleet = Fleet(url, REDIS_URL=f"redis://{LOOPBACK}:{bus.port}")
        for process in (fleet, *(projectors := [Projector(url), Projector(url)])):
            stack.callback(process.remove)
            await asyncio.to_thread(process.start)
        web = await stack.enter_async_context(Cable(fleet.port))
        cables = {"PostgreSQL": database, "Redis": bus, "web": web}
        yield Site(postgres, valkey, fleet, projectors, direct, cables)
