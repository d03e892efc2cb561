"""A whole deployment under cables: two web processes and two that project, beside PostgreSQL and Redis.

Every connection of its processes and of its clients is carried by a cable that can be cut.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NamedTuple

from tests.acceptance.deployment import Projector
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
        fleet = self.fleet
        deaths: list[Fault] = [KillWorker(fleet, 0), KillWorker(fleet, 1), Kill(fleet)]
        rolls: list[Fault] = [Roll(fleet), Roll(fleet), Restart(fleet), *map(Restart, self.projectors)]
        return {
            "web": lambda chance: chance.choice(deaths),
            "projections": lambda chance: Kill(chance.choice(self.projectors)),
            "postgres": lambda chance: Kill(self.postgres, chance.uniform(0, 1)),
            "redis": lambda chance: Kill(self.valkey, chance.uniform(0, 1)),
            "cuts": lambda chance: Cut(
                *chance.choice(sorted(self.cables.items())), chance.choice(HOWS), chance.uniform(*cut_s)
            ),
            "rolls": lambda chance: chance.choice(rolls),
        }


@asynccontextmanager
async def site() -> AsyncIterator[Site]:
    """A deployment that runs until the end of `with`."""
    async with AsyncExitStack() as stack:
        postgres = await asyncio.to_thread(stack.enter_context, Postgres())
        valkey = await asyncio.to_thread(stack.enter_context, Valkey())
        direct = postgres.create_database()
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
