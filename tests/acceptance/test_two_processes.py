"""Two web processes and Redis: what is said in one is heard in the other, whatever becomes of Redis' messages."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from realtime.faults import FAULTS
from tests.acceptance.deployment import Web, migrated_database
from tests.realtime.client import Client
from tests.servers import LOOPBACK, Postgres, Valkey

LISTENING = "listening"
AT_ONCE_S = 0.3
"""Faster than the log's tail is read: it came over Redis."""
POSTS = 40


@pytest.fixture(scope="module")
def own_valkey() -> Iterator[Valkey]:
    """One that may be killed."""
    with Valkey() as server:
        yield server


@pytest.fixture(scope="module")
def webs(postgres: Postgres, own_valkey: Valkey) -> Iterator[Mapping[str, Web]]:
    """One process to listen in, and for each fault one that publishes badly."""
    url = migrated_database(postgres)
    webs = {name: Web(url, REDIS_URL=own_valkey.url, BUS_FAULT=fault) for name, fault in [(LISTENING, ""), ("", "")]}
    webs |= {fault: Web(url, REDIS_URL=own_valkey.url, BUS_FAULT=fault) for fault in FAULTS}
    with ExitStack() as stack, ThreadPoolExecutor(len(webs)) as threads:
        for web in webs.values():
            stack.callback(web.remove)
        list(threads.map(lambda web: web.start(), webs.values()))
        yield webs


async def say(web: Web, room: str, message: str = "hello") -> float:
    """Post over REST; answers when it was acknowledged."""
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{web.port}/api/v1", timeout=10) as http:
        token = (await http.post("/guests", json={"handle": "ada"})).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = await http.post(f"/rooms/{room}/messages", json={"message": message}, headers=headers)
        assert answer.status_code == 201, answer.text
    return time.monotonic()


async def delay_s(webs: Mapping[str, Web], room: str, listener: Client) -> float:
    """How long after its acknowledgement a post in one process is heard in the other."""
    acknowledged = await say(webs[""], room)
    await listener.receive("event")
    return time.monotonic() - acknowledged


async def test_what_is_said_in_one_process_is_heard_in_the_other_at_once(webs: Mapping[str, Web]) -> None:
    await say(webs[""], "general")
    async with Client.connect(webs[LISTENING].port, "/chat/") as listener:
        await listener.receive("welcome")
        await listener.subscribe("general")
        await listener.receive("caught_up")
        assert min([await delay_s(webs, "general", listener) for _ in range(5)]) < AT_ONCE_S


async def test_people_in_two_processes_see_each_other_and_who_types(webs: Mapping[str, Web]) -> None:
    async with (
        Client.connect(webs[LISTENING].port, "/chat/company/") as there,
        Client.connect(webs[""].port, "/chat/company/") as here,
    ):
        people = [(await client.receive("welcome"))["person"] for client in (here, there)]
        for client in (here, there):
            await client.receive("subscribed")
            await client.receive("caught_up")
            while {who["person"] for who in (await client.receive("presence"))["present"]} != set(people):
                pass
        await here.send("typing", room="company")
        assert [who["person"] for who in (await there.receive("typing"))["who"]] == people[:1]


@pytest.mark.parametrize("fault", FAULTS)
async def test_with_a_faulty_bus_everybody_sees_every_event_once_and_in_order(
    webs: Mapping[str, Web], fault: str
) -> None:
    await say(webs[fault], fault)
    async with (
        Client.connect(webs[LISTENING].port, "/chat/") as there,
        Client.connect(webs[fault].port, "/chat/") as here,
    ):
        for client in (there, here):
            await client.receive("welcome")
            await client.subscribe(fault)
            await client.receive("caught_up")
        await asyncio.gather(*(say(webs[fault], fault, f"{n}") for n in range(POSTS)))
        for client in (there, here):
            events = await client.receive_events(POSTS)
            assert [event["seq"] for event in events] == list(range(3, 3 + POSTS))
            assert sorted(int(event["data"]["message"]) for event in events) == list(range(POSTS))
            assert await client.is_silent()


async def test_without_redis_everything_arrives_a_little_later(webs: Mapping[str, Web], own_valkey: Valkey) -> None:
    await say(webs[""], "garden")
    async with Client.connect(webs[LISTENING].port, "/chat/") as listener:
        await listener.receive("welcome")
        await listener.subscribe("garden")
        await listener.receive("caught_up")
        await asyncio.to_thread(own_valkey.kill)
        assert await delay_s(webs, "garden", listener) < 3
        await asyncio.to_thread(own_valkey.start)
        async with asyncio.timeout(15):
            while await delay_s(webs, "garden", listener) > AT_ONCE_S:
                pass
