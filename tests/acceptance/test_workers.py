"""Several workers on one port: evenly loaded, replaced when they die, and all of them without anybody noticing.

One rolling restart; CHAOS_ROLLS makes it more.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import httpx
import psutil
import pytest

from commands.identity import Guests
from tests.acceptance.campaign import Campaign, Crowd
from tests.acceptance.conftest import Tell
from tests.acceptance.deployment import SECRET_KEY, Projector, migrated_database, read_log
from tests.acceptance.extent import SEED, count, extent
from tests.acceptance.faults import Roll
from tests.acceptance.fleet import WORKERS, Fleet, await_end
from tests.acceptance.timing import resumptions
from tests.acceptance.waiting import until
from tests.realtime.client import Client
from tests.realtime.raw import OURS, Raw, raw
from tests.servers import LOOPBACK, Postgres, Valkey

ROLLS = count("ROLLS", 1, long=10)
RESUMED_S = extent("RESUMED_S", 20, long=3)
"""The short version runs beside other tests, on whatever machine there is."""
PACE_S = 0.02
"""Between two messages of a client: processes that start need some of the machine, too."""
MOST_S = 10.0
ONE_EACH = {"Connection": "close"}
"""A connection for each request."""


@pytest.fixture(scope="module")
def fleet(postgres: Postgres, valkey: Valkey) -> Iterator[Fleet]:
    with Fleet(migrated_database(postgres), REDIS_URL=valkey.url) as fleet:
        yield fleet


async def test_connections_spread_evenly(fleet: Fleet) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(60):
            client = await stack.enter_async_context(Client.connect(fleet.port, "/chat/"))
            await client.receive("welcome")
        counts = [served(worker, fleet.port) for worker in fleet.workers]
        assert sum(counts) == 60
        assert min(counts) >= 14


def served(worker: psutil.Process, port: int) -> int:
    connections = worker.net_connections("tcp")
    return sum(each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED for each in connections)


async def test_the_sockets_of_each_room_meet_in_one_process(fleet: Fleet) -> None:
    async with AsyncExitStack() as stack:
        for n in range(60):
            await stack.enter_async_context(in_room(fleet, f"met-{n % 12}"))
        found = await metrics(fleet)
        assert sum(each["rooms"] for each in found) == 12
        assert min(each["rooms"] for each in found) > 0
        given, taken = (sum(each[f'handovers_total{{how="{how}"'] for each in found) for how in ("given", "taken"))
        assert given == taken > 0


@asynccontextmanager
async def in_room(fleet: Fleet, room: str) -> AsyncIterator[Client]:
    """Somebody in a room, by its own address, who has heard all that was said."""
    async with Client.connect(fleet.port, f"/chat/{room}/") as client:
        for frame in ("welcome", "subscribed", "caught_up"):
            await client.receive(frame)
        yield client


async def metrics(fleet: Fleet) -> list[dict[str, float]]:
    """What each worker counts: whoever takes the connection answers."""
    said: dict[str, str] = {}
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{fleet.port}", timeout=20) as http:
        while len(said) < WORKERS:
            answer = (await http.get("/metrics", headers=ONE_EACH)).text
            said[answer.partition('worker="')[2].partition('"')[0]] = answer
    numbers = re.compile(r"^verbatim_(\w+(?:{how=\"\w+\")?)[{,].*} (\S+)$", re.MULTILINE)
    return [{name: float(value) for name, value in numbers.findall(each)} for each in said.values()]


@pytest.mark.parametrize("worker", range(WORKERS))
async def test_whoever_comes_while_the_home_of_their_room_is_killed_is_served(fleet: Fleet, worker: int) -> None:
    fleet.workers[worker].kill()

    async def come(room: str) -> None:
        async with in_room(fleet, room):
            pass

    await asyncio.gather(*(come(f"homeless-{n}") for n in range(30)))
    await until(lambda: has_workers(fleet), "the next worker")


async def test_without_affinity_sockets_stay_where_they_came(postgres: Postgres, valkey: Valkey) -> None:
    with Fleet(migrated_database(postgres), REDIS_URL=valkey.url, ROOM_AFFINITY="off") as fleet:
        async with AsyncExitStack() as stack:
            for _ in range(40):
                await stack.enter_async_context(in_room(fleet, "general"))
            assert min(served(worker, fleet.port) for worker in fleet.workers) >= 6


async def test_when_a_worker_is_killed_another_takes_its_place_and_nobody_is_refused(fleet: Fleet) -> None:
    former = fleet.workers
    former[0].kill()
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{fleet.port}", timeout=20) as http:
        answers = await asyncio.gather(*(http.get("/health/live", headers=ONE_EACH) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert len(fleet.workers) == WORKERS
    assert former[0] not in fleet.workers
    assert former[1] in fleet.workers


@pytest.mark.timeout(60 + 120 * ROLLS)
async def test_a_rolling_restart_under_load_refuses_nothing_and_loses_nothing(
    fleet: Fleet, tmp_path: Path, tell: Tell
) -> None:
    former = fleet.workers
    campaign = Campaign(fleet.port, tmp_path, seed=SEED, crowd=Crowd(("general", "garden"), readers=0, pace_s=PACE_S))
    with closing(campaign.history):
        await campaign.run([Roll(fleet)] * ROLLS)
    assert campaign.troubles == {}
    away_s = resumptions(campaign.history.records)
    tell(f"{ROLLS} rolling restarts; {len(away_s)} times a client resumed, at the latest after {away_s[-1]:.2f} s")
    assert away_s[-1] <= RESUMED_S
    with Projector(fleet.database_url):
        assert await campaign.faults(fleet.database_url) == []
    assert len(fleet.workers) == WORKERS
    assert not set(former) & set(fleet.workers)


async def test_told_to_stop_it_answers_what_it_took_and_is_gone_in_time(fleet: Fleet) -> None:
    token = Guests(SECRET_KEY).welcome("ada")[1]
    async with (
        Client.connect(fleet.port, "/chat/", token=token) as talker,
        Client.connect(fleet.port, "/chat/") as listener,
        raw(fleet.port, receive_bytes=4096) as deaf,
        raw(fleet.port) as silent,
    ):
        for n in range(300):
            await talker.send("post", id=n, room="kitchen", message="x" * 10_000)
            if n == 200:
                await subscribe_and_never_read(deaf)
                while (await talker.receive()).get("id") != 150:
                    pass
        ended = asyncio.create_task(asyncio.to_thread(fleet.terminate))
        code, frames = await talker.closed()
        assert (code, frames[-1]["type"]) == (1001, "disconnect")
        answers = [(frame["type"], frame["id"]) for frame in frames[:-1]]
        assert answers == [("posted", n) for n in range(151, 151 + len(answers))]
        code, [welcome, goodbye] = await listener.closed()
        assert (welcome["type"], goodbye["code"], goodbye["reconnect"]) == ("welcome", 1001, True)
        assert 0 < goodbye["retry_after_ms"] <= 5000
        assert await silent.is_cut_off()
        exit_code, took_s = await ended
    assert exit_code == 0
    assert took_s < MOST_S
    said = [event for event in await read_log(fleet.database_url) if event.room == "kitchen" and event.message_id]
    assert len(said) == 151 + len(answers)
    await asyncio.to_thread(fleet.start)


async def subscribe_and_never_read(client: Raw) -> None:
    await client.shake_hands(more=OURS)
    await client.send_frame(1, json.dumps({"type": "subscribe", "room": "kitchen", "after": 0}).encode())


async def test_when_the_parent_is_killed_its_workers_leave(fleet: Fleet) -> None:
    workers = fleet.workers
    fleet.kill_parent()
    await asyncio.to_thread(await_end, workers)
    await asyncio.to_thread(fleet.start)
    await until(lambda: has_workers(fleet), "the workers of the new parent")


async def has_workers(fleet: Fleet) -> bool:
    return len(fleet.workers) == WORKERS
