"""The moment in which a rebuilt version takes its place: nobody who reads or writes notices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

import psycopg
import pytest

from projections import rebuilding
from projections.rebuilding import SomebodyReads
from tests.cast import ADA
from tests.projections.deployment import Deployment, Running, execute, said
from tests.projections.test_rebuilding import alone, rebuild, talk

TIMES = 3
HELD = """
SELECT count(*) FILTER (WHERE NOT l.granted AND n.nspname = 'beside'), count(*) FILTER (WHERE n.nspname = 'public')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stat_activity a ON a.pid = l.pid AND a.backend_type = 'client backend'
WHERE c.relname = 'history_item' AND l.mode IN ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
"""
"""Who waits for the table beside, and who has or wants the one in use."""
INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"


@asynccontextmanager
async def in_background(*works: asyncio.Task[None]) -> AsyncIterator[None]:
    """Tasks that go on until the end of `with`; what went wrong in them is raised there."""
    yield
    for each in works:
        each.cancel()
    for result in await asyncio.gather(*works, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError), f"it ended: {result!r}"


class Reader:
    """Reads one page after the other, and what it has read once is there ever after."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.reads = 0

    async def read(self) -> None:
        head = 0
        while True:
            page = await self._deployment.page(limit=200)
            assert page.head_seq >= head
            assert {"hello", "and you?", "before"} <= {*said(page)}
            head = page.head_seq
            assert said(await self._deployment.page(as_of=3))[0] == "helo"
            self.reads += 1


async def test_pages_are_read_and_messages_posted_while_versions_change_places(deployment: Deployment) -> None:
    async def post() -> None:
        while True:
            (receipt,) = await deployment.say(ADA, "and another one")
            await deployment.page(min_position=receipt.position)

    await talk(deployment)
    readers = [Reader(deployment) for _ in range(3)]
    async with Running(deployment):
        (receipt,) = await deployment.say(ADA, "before")
        await deployment.page(min_position=receipt.position)
        works = [asyncio.create_task(work) for work in (post(), *(reader.read() for reader in readers))]
        async with in_background(*works):
            for _ in range(TIMES):
                before = [reader.reads for reader in readers]
                assert all(each.equal for each in await rebuild(deployment))
                while any(reader.reads < count + 5 for reader, count in zip(readers, before, strict=True)):
                    await asyncio.sleep(0.001)
        (receipt,) = await deployment.say(ADA, "the last one")
        page = await deployment.page(min_position=receipt.position)
        assert page.head_seq == receipt.seq


async def test_who_reads_for_long_holds_up_the_exchange_and_nobody_else(
    deployment: Deployment, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.startswith("sqlite"):
        pytest.skip("on SQLite those who read hold nobody up")
    monkeypatch.setattr(rebuilding, "WITHIN_S", 0.5)
    monkeypatch.setattr(rebuilding, "AGAIN_S", 0.01)
    indexes = execute(INDEXES)
    await talk(deployment)
    await deployment.project()
    with closing(psycopg.connect(database)) as backup:
        backup.execute("SELECT count(*) FROM history_item")
        async with alone(deployment) as (work, versions):
            for each in versions:
                await work.on_thread(each.begin)
            await work.bring_forward(versions)
            await deployment.say(ADA, "meanwhile")
            await deployment.project()
            exchanging = asyncio.create_task(work.exchange(versions[1]))
            while not exchanging.done():
                assert said(await deployment.page())[0] == "hello"
            with pytest.raises(SomebodyReads):
                await exchanging
            backup.rollback()
            await work.exchange(versions[1])
    await deployment.say(ADA, "after it")
    await deployment.project()
    assert (execute("SELECT room FROM parked_room"), execute(INDEXES)) == ([], indexes)
    assert said(await deployment.page())[-2:] == ["meanwhile", "after it"]


async def test_who_vacuums_the_tables_beside_holds_up_no_reader(deployment: Deployment, database: str) -> None:
    if database.startswith("sqlite"):
        pytest.skip("on SQLite nobody vacuums a table by itself")
    await talk(deployment)
    await deployment.project()
    with closing(psycopg.connect(database)) as vacuum:
        async with alone(deployment) as (work, versions):
            for each in versions:
                await work.on_thread(each.begin)
            await work.bring_forward(versions)
            vacuum.execute("LOCK TABLE beside.history_item IN SHARE UPDATE EXCLUSIVE MODE")
            exchanging = asyncio.create_task(work.exchange(versions[1]))
            while (held := execute(HELD)) == [(0, 0)] and not exchanging.done():
                await asyncio.sleep(0.001)
            assert held == [(1, 0)]
            vacuum.rollback()
            await exchanging
    assert said(await deployment.page())[0] == "hello"
