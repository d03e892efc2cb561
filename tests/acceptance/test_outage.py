"""The database goes away: posts are refused at once, sockets stay, and all goes on by itself when it is back."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx
import pytest

from config.admin import PORTS
from tests.acceptance.deployment import Projector, Web, migrated_database
from tests.acceptance.waiting import until
from tests.realtime.client import Client
from tests.servers import LOOPBACK, Postgres, free_port

FIRST_S = 3.0
"""Whoever finds out that the database is gone may wait for so long."""
AT_ONCE_S = 0.5
TAKEN_OVER_S = 5.0


class Site(NamedTuple):
    """A deployment whose processes may be killed, and one more web process that was not started yet."""

    postgres: Postgres
    web: Web
    projector: Projector
    standby: Projector
    late: Web


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        web = stack.enter_context(Web(migrated_database(postgres)))
        projector, late = Projector(web.database_url), Web(web.database_url)
        standby = Projector(web.database_url, METRICS_PORT=str(free_port(PORTS)))
        for process in (projector, standby, late):
            stack.callback(process.remove)
        projector.start()
        yield Site(postgres, web, projector, standby, late)


async def post(client: Client) -> dict[str, Any]:
    return await client.ask("post", room="general", message="hello")


async def read(web: Web, **asked: int) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{web.port}/api/v1", timeout=20) as http:
        return await http.get("/rooms/general/messages", params=asked)


async def test_when_the_leading_projector_is_killed_another_takes_over(site: Site) -> None:
    async with Client.connect(site.web.port, "/chat/") as ada:
        before = await post(ada)
        await until(lambda: is_read(site.web, before["position"]), "a projector to lead")
        await asyncio.to_thread(site.standby.start)
        await until(lambda: runs(site.standby), "another one to stand by")
        await asyncio.to_thread(site.projector.kill)
        after = await post(ada)
        began = time.monotonic()
        await until(lambda: is_read(site.web, after["position"]), "it to take over")
        assert time.monotonic() - began < TAKEN_OVER_S


async def runs(projector: Projector) -> bool:
    try:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http://{LOOPBACK}:{projector._more['METRICS_PORT']}/health/live")
    except httpx.TransportError:
        return False
    return answer.status_code == 200


@pytest.mark.timeout(120)
async def test_while_the_database_is_away_posts_are_refused_and_all_resumes_when_it_is_back(site: Site) -> None:
    postgres, web, _, _, late = site
    async with Client.connect(web.port, "/chat/") as ada, Client.connect(web.port, "/chat/general/") as grace:
        while (await grace.receive())["type"] != "caught_up":
            pass
        assert (await post(ada))["type"] == "posted"
        await asyncio.to_thread(postgres.kill)
        await assert_refused(ada, within_s=FIRST_S)
        for _ in range(5):
            await assert_refused(ada, within_s=AT_ONCE_S)
        assert (await ada.ask("ping"))["type"] == "pong"
        answer = await read(web)
        assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "unavailable", True)
        with ThreadPoolExecutor(1) as thread:
            starting = thread.submit(late.start)
            await until(lambda: waits(late), "a process that waits for the database")
            await asyncio.to_thread(postgres.start)
            posted = await until_posted(ada)
            while (event := await grace.receive()).get("seq") != posted["seq"]:
                assert event["type"] != "disconnect"
            await until(lambda: is_read(web, posted["position"]), "the projections to go on")
            await asyncio.wrap_future(starting)
    assert (await read(late, min_position=posted["position"])).status_code == 200


async def assert_refused(client: Client, *, within_s: float) -> None:
    began = time.monotonic()
    answer = await post(client)
    took_s = time.monotonic() - began
    assert (answer.get("code"), answer.get("retryable")) == ("unavailable", True), answer
    assert took_s < within_s


async def until_posted(client: Client) -> dict[str, Any]:
    """Try until the database is back; the client's socket is still the same."""
    async with asyncio.timeout(20):
        while (answer := await post(client))["type"] != "posted":
            await asyncio.sleep(0.05)
    return answer


async def waits(web: Web) -> bool:
    log = web.folder / "log"
    return log.exists() and "waiting for the database" in log.read_text()


async def is_read(web: Web, position: int) -> bool:
    return (await read(web, min_position=position)).status_code == 200


async def test_a_hanging_database_does_not_keep_a_process_from_leaving(site: Site) -> None:
    """Frozen, it answers nothing, which is worse than being gone."""
    postgres, web, _, projector, _ = site
    async with Client.connect(web.port, "/chat/") as ada:
        await post(ada)
        family = [postgres.process, *postgres.process.children(recursive=True)]
        for member in family:
            member.suspend()
        try:
            await ada.send("post", id="open", room="general", message="hello")
            stopping = [asyncio.to_thread(process.terminate) for process in (web, projector)]
            ended = asyncio.gather(*stopping)
            code, frames = await ada.closed()
            took_s = max(seconds for _, seconds in await ended)
        finally:
            for member in family:
                member.resume()
    assert [frame.get("code") for frame in frames if frame.get("id") == "open"] == ["unavailable"]
    assert (code, frames[-1]["type"]) == (1001, "disconnect")
    assert took_s < 10
