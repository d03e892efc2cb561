"""On PostgreSQL, tables beside are filled without the keys that only others need: those come at the end."""

import pytest

from projections import comparing, rebuilding
from projections.beside_postgres import PostgresTables
from projections.people import EVENTS, ROOMS
from tests.cast import ADA, GARDEN, GENERAL
from tests.projections.deployment import Deployment, execute, on_django, tables
from tests.projections.test_exchanging import INDEXES
from tests.projections.test_rebuilding import alone, rebuild, talk

ALL_INDEXES = "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'beside' AND tablename LIKE 'person_%'"


@pytest.fixture
async def chatted(deployment: Deployment, database: str, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The same people spoke in the same rooms, in many batches."""
    if database.startswith("sqlite"):
        pytest.skip("on SQLite every table has its key from the beginning")
    monkeypatch.setattr(rebuilding, "BATCH", 3)
    for _ in range(2):
        await talk(deployment)
    await deployment.project()
    return deployment


def count(table: str) -> int:
    return int(execute(f"SELECT count(*) FROM {table}")[0][0])


async def fill(deployment: Deployment) -> None:
    """Build all, until only keys and the exchange are left."""
    async with alone(deployment) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)


async def test_rows_repeat_until_the_key_is_made_and_of_each_the_first_stays(chatted: Deployment) -> None:
    kept, indexes = tables(), execute(INDEXES)
    await fill(chatted)
    assert count("beside.person_room") > count("person_room")
    assert execute(ALL_INDEXES) == []
    assert all(each.equal for each in await rebuild(chatted))
    assert (tables(), execute(INDEXES)) == (kept, indexes)
    assert count("beside.person_room") == count("person_room"), "the one that was in use"
    names = "SELECT tablename FROM pg_tables WHERE schemaname = 'beside' AND tablename LIKE %s ORDER BY 1"
    assert execute(names, ["%person%"]) == [(EVENTS.name,), (ROOMS.name,)]


async def test_what_comes_when_keys_are_there_is_not_repeated(chatted: Deployment) -> None:
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)
        for each in versions:
            await work.on_thread(each.finish)
        before = count("beside.person_room")
        await chatted.say(ADA, "where I was before")
        await chatted.say(ADA, "where I was not", room=GARDEN)
        await chatted.project()
        assert all([(await work.compare(each)).equal for each in versions])
        assert count("beside.person_room") == before + 1
        kept = tables()
        for each in versions:
            await work.exchange(each)
    assert tables() == kept


@pytest.mark.parametrize("dies", ["_leave_least", "_make_indexes", "_make_keys"])
async def test_a_rebuild_that_died_while_keys_were_made_goes_on(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    indexes = execute(INDEXES)
    await fill(chatted)
    with monkeypatch.context() as death:
        death.setattr(PostgresTables, dies, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await rebuild(chatted, exchange=False)
    await chatted.say(ADA, "meanwhile", room=GENERAL)
    await chatted.project()
    kept = tables()
    last = await chatted.log.last_position()
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        assert [each.position for each in versions] == [last - 1] * len(versions), "nothing is built anew"
    assert all(each.equal for each in await rebuild(chatted))
    assert (tables(), execute(INDEXES)) == (kept, indexes)


async def test_a_key_that_is_none_of_those_that_may_be_missing_is_missed(chatted: Deployment) -> None:
    await fill(chatted)
    execute("ALTER TABLE beside.history_item DROP CONSTRAINT history_item_pkey")
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        last = await chatted.log.last_position()
        assert [each.position for each in versions] == [last, 0, last, last]


async def test_the_exchange_makes_what_is_missing(chatted: Deployment) -> None:
    kept, indexes = tables(), execute(INDEXES)
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)
        for each in versions:
            await work.exchange(each)
    assert (tables(), execute(INDEXES)) == (kept, indexes)


async def test_a_table_is_compared_page_by_page_to_its_last_row(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "PIECE", 2)
    monkeypatch.setattr(comparing, "REST", 0)
    execute("CREATE TEMP TABLE long AS SELECT i, repeat('x', 1000) said FROM generate_series(1, 100) i")
    whole = execute("SELECT count(*), sum(hash_record_extended(t, 0)) FROM long t")[0]
    assert on_django(lambda: comparing._sum_in_pieces("long")) == whole
    execute("DELETE FROM long WHERE i < 90 OR i = 100")
    assert on_django(lambda: comparing._sum_in_pieces("long"))[0] == 10, "pieces of which nothing is left"
