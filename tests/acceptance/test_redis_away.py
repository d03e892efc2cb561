"""Redis is away for long, or a server of its cluster dies: everybody still hears everything, and soon enough.

Five seconds; a minute with CHAOS=long (`make chaos`).
"""

import asyncio
import re
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest

from config.admin import PORTS
from tests.acceptance.campaign import Campaign, Crowd
from tests.acceptance.conftest import Tell
from tests.acceptance.deployment import Projector, migrated_database
from tests.acceptance.extent import LONG, SEED, extent
from tests.acceptance.faults import Kill
from tests.acceptance.fleet import WORKERS, Fleet
from tests.acceptance.timing import deliveries, percentile, span
from tests.acceptance.waiting import until
from tests.servers import LOOPBACK, Postgres, Valkey, free_port
from tests.valkey_cluster import ValkeyCluster

AWAY_S = extent("REDIS_AWAY_S", 5, long=60)
HEARD_S = 2.0
CALM_S = 3.0
BY_THE_BUS_S = 0.3
"""Faster than the log's tail is read."""
BUS = re.compile(r"^verbatim_(bus_\w+)\{.*\} (\S+)$", re.MULTILINE)
TWELVE = Crowd(sockets=8, rests=4, pace_s=0.1)

pytestmark = pytest.mark.timeout(3600 if LONG else 240)


class BackOnTheBus:
    """Nothing happens but that every worker finds its bus again, within the time that a condition may take."""

    name = "back on the bus"

    def __init__(self, metrics_port: int) -> None:
        self._ports = range(metrics_port, metrics_port + PORTS)

    async def strike(self) -> None:
        await until(self._all_are, "every worker to have its bus again")

    async def _all_are(self) -> bool:
        async with httpx.AsyncClient(timeout=2) as http:
            states = [state for port in self._ports if (state := await bus_state(http, port))]
        wells = [
            state["bus_servers_connected"] == state["bus_servers"] > state["bus_rooms_missing"] for state in states
        ]
        return len(states) == WORKERS and all(wells)


async def bus_state(http: httpx.AsyncClient, port: int) -> dict[str, float]:
    """What a process says about its bus; nothing if there is none."""
    try:
        metrics = (await http.get(f"http://{LOOPBACK}:{port}/metrics")).text
    except httpx.TransportError:
        return {}
    return {name: float(value) for name, value in BUS.findall(metrics)}


class Calm:
    """Nothing happens."""

    name = "calm"

    async def strike(self) -> None:
        await asyncio.sleep(CALM_S)


class KillNode:
    """`kill -9` of one server of a cluster, which comes back after a while."""

    def __init__(self, cluster: ValkeyCluster, number: int) -> None:
        self.name = f"kill -9 node {number}"
        self._cluster = cluster
        self._number = number

    async def strike(self) -> None:
        await asyncio.to_thread(self._kill)
        await asyncio.sleep(AWAY_S)
        await asyncio.to_thread(self._cluster.mend)

    def _kill(self) -> None:
        self._cluster.owners[self._number].kill()


async def test_without_redis_all_is_heard_within_two_seconds_and_by_the_bus_again_when_it_is_back(
    postgres: Postgres, tmp_path: Path, tell: Tell
) -> None:
    with ExitStack() as stack:
        valkey = stack.enter_context(Valkey())
        metrics_port = free_port(PORTS)
        fleet = Fleet(migrated_database(postgres), REDIS_URL=valkey.url, METRICS_PORT=str(metrics_port))
        stack.enter_context(fleet)
        stack.enter_context(Projector(fleet.database_url))
        campaign = Campaign(fleet.port, tmp_path, seed=SEED, crowd=TWELVE)
        killed, calm = Kill(valkey, AWAY_S), Calm()
        with closing(campaign.history):
            await campaign.run([calm, killed, BackOnTheBus(metrics_port), calm])
        assert await campaign.faults(fleet.database_url) == []
    records = campaign.history.records
    away = heard("Redis away", deliveries(records, *span(records, killed.name)), tell)
    back = heard("Redis back", deliveries(records, *span(records, calm.name)), tell)
    assert percentile(back, 0.5) < BY_THE_BUS_S
    assert not LONG or percentile(away, 0.99) <= HEARD_S


@pytest.mark.parametrize("replicas", [3, 0])
async def test_when_a_server_of_a_cluster_dies_under_load_nobody_misses_anything(
    replicas: int, postgres: Postgres, tmp_path: Path, tell: Tell
) -> None:
    with ExitStack() as stack:
        cluster = stack.enter_context(ValkeyCluster(primaries=3, replicas=replicas))
        fleet = stack.enter_context(Fleet(migrated_database(postgres), REDIS_URL=cluster.url))
        stack.enter_context(Projector(fleet.database_url))
        campaign = Campaign(fleet.port, tmp_path, seed=SEED, crowd=TWELVE)
        kill = KillNode(cluster, SEED % 3)
        with closing(campaign.history):
            await campaign.run([kill])
        assert await campaign.faults(fleet.database_url) == []
    records = campaign.history.records
    heard(f"a server of three away, {replicas} replicas", deliveries(records, *span(records, kill.name)), tell)


def heard(when: str, took_s: list[float], tell: Tell) -> list[float]:
    """Tell how long it took to hear what was said."""
    found = ", ".join(f"p{100 * share:g} {percentile(took_s, share):.3f} s" for share in (0.5, 0.99, 1))
    tell(f"{when}: {len(took_s)} deliveries, {found}")
    return took_s
