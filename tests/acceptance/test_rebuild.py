"""A rebuild on a running deployment: killed in the middle, started again, seen in the API, noticed by nobody."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from projections.known import KNOWN
from tests.acceptance.deployment import ROOT, Projector, Web, environment, migrated_database
from tests.acceptance.rebuild import last_position, read_tables, select, until_projected
from tests.acceptance.waiting import until
from tests.servers import LOOPBACK, Postgres

EVENTS = {"sqlite": 800, "postgres": 50_000}
"""Enough for the rebuild to be in the middle of them when it is killed."""
BESIDE = "SELECT position FROM checkpoint WHERE projection = 'history/beside'"


@pytest.fixture(params=["sqlite", "postgres"])
def web(request: pytest.FixtureRequest) -> Iterator[Web]:
    """A deployment with a past."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            web = Web()
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            web = Web(migrated_database(postgres))
        stack.enter_context(web)
        plant = [sys.executable, "-m", "bench.planting", str(EVENTS[request.param])]
        variables = environment(web.database_url, DJANGO_SETTINGS_MODULE="config.settings")
        subprocess.run(plant, cwd=ROOT, env=variables, check=True)
        if request.param == "postgres":
            stack.enter_context(Projector(web.database_url))
        yield web


def start(web: Web, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "rebuild", *options]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(web.database_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


async def finish(rebuild: subprocess.Popen[str]) -> str:
    """What it printed. Raises: AssertionError when it failed."""
    told, _ = await asyncio.to_thread(rebuild.communicate, timeout=120)
    assert rebuild.returncode == 0, told
    return told


async def progress(http: httpx.AsyncClient) -> dict[str, Any] | None:
    items = (await http.get("/projections")).json()["items"]
    found: dict[str, Any] | None = next(item["rebuild"] for item in items if item["name"] == "history")
    return found


async def chat(http: httpx.AsyncClient, posted: list[int]) -> None:
    """Post, and read what was posted, for ever."""
    token = (await http.post("/guests", json={})).json()["token"]
    by = {"Authorization": f"Bearer {token}"}
    while True:
        answer = await http.post("/rooms/room-1/messages", json={"message": "hello"}, headers=by)
        assert answer.status_code == 201, answer.text
        posted.append(answer.json()["position"])
        page = await http.get("/rooms/room-1/messages", params={"min_position": posted[-1]})
        assert page.status_code == 200, page.text
        assert page.json()["items"][-1]["position"] == posted[-1]


@pytest.mark.timeout(180)
async def test_a_rebuild_that_is_killed_and_started_again_is_noticed_by_nobody(web: Web) -> None:
    planted = await last_position(web.database_url)
    await until_projected(web.database_url, planted)
    posted: list[int] = []
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{web.port}/api/v1", timeout=20) as http:
        chatting = asyncio.create_task(chat(http, posted))
        await until(lambda: is_true(posted), "somebody to chat")
        first = start(web, "--all")
        await until(lambda: has_begun(web), "the rebuild to be in the middle")
        first.kill()
        await asyncio.to_thread(first.communicate)
        ((reached,),) = await asyncio.to_thread(select, web.database_url, BESIDE)
        assert 0 < reached < planted, "it was not in the middle"
        seen = await progress(http)
        assert seen is not None
        assert (seen["state"], seen["position"]) == ("building", reached)
        before = len(posted)
        told = await finish(start(web, "--all"))
        assert told.count(": equal") == sum(len(projection.tables) for projection in KNOWN), told
        assert len(posted) > before, "meanwhile they chatted"
        assert await progress(http) is None
        chatting.cancel()
        await asyncio.gather(chatting, return_exceptions=True)
        assert chatting.cancelled(), chatting
    assert read_tables(web.database_url)["parked_room"] == []


async def is_true(what: object) -> bool:
    return bool(what)


async def has_begun(web: Web) -> bool:
    found = await asyncio.to_thread(select, web.database_url, BESIDE)
    return found != [] and found[0][0] > 0
