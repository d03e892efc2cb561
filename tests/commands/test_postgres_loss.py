"""Losing PostgreSQL: before, while and after it commits. What was recorded is asked, never guessed."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from commands import postgres_connection, postgres_reading
from commands.postgres import PostgresStore
from commands.postgres_schema import APPEND_LOCK
from commands.store import Entry, Outcome, OutcomeUnknown, StoreUnavailable
from tests.commands.entries import change, check_whole, everything, is_conflict, message, numbers, seqs
from tests.commands.proxy import Fault, Proxy
from tests.servers import Postgres

CUTS: tuple[Fault, ...] = ("cut the request", "cut half the request", "cut the answer")


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def store(url: str, proxy: Proxy) -> AsyncIterator[PostgresStore]:
    """A store that reads directly and appends through the proxy."""
    store = PostgresStore(url, direct_url=proxy.url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture(scope="module")
def mortal() -> Iterator[Postgres]:
    """A PostgreSQL that may be killed."""
    with Postgres() as server:
        yield server


async def until_known(store: PostgresStore, batch: list[Entry]) -> list[Outcome]:
    """Append as the writer does: resolve for as long as the outcome is unknown."""
    resolve = False
    while True:
        try:
            return await store.append(batch, resolve=resolve)
        except OutcomeUnknown:
            resolve = True
        except StoreUnavailable:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("cut", CUTS)
async def test_a_cut_leaves_the_outcome_unknown_until_it_is_asked(
    store: PostgresStore, proxy: Proxy, cut: Fault
) -> None:
    await store.append([message()])
    proxy.fault = cut
    batch = [message(), message()]
    with pytest.raises(OutcomeUnknown):
        await store.append(batch)
    was_there = await store.head("general") == 3
    assert was_there or cut != "cut the answer"
    assert seqs(await store.append(batch, resolve=True)) == [2, 3]
    check_whole(await everything(store))


async def test_cut_again_and_again_nothing_is_doubled_or_lost(store: PostgresStore, proxy: Proxy) -> None:
    chance = random.Random(20261122)
    acknowledged = {}
    for i in range(60):
        batch = [message(room=f"room{chance.randrange(3)}") for _ in range(chance.randrange(1, 6))]
        proxy.fault = chance.choice((*CUTS, ""))
        outcomes = await until_known(store, [*batch, change("rules", i, room="alone")])
        for entry, number in zip(batch, numbers(outcomes[:-1]), strict=True):
            acknowledged[entry.events[0].state] = number
        assert seqs(outcomes[-1:]) == [i + 1]
    recorded = await everything(store)
    check_whole(recorded)
    assert acknowledged == {row.state: (row.seq, row.position) for row in recorded if row.stream != "alone"}


async def test_a_session_that_is_ended_while_it_appends_has_an_unknown_outcome(store: PostgresStore, url: str) -> None:
    batch = [message()]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [APPEND_LOCK])
        appending = asyncio.create_task(store.append(batch))
        await end_session(other, "query LIKE 'SELECT * FROM public.append%' AND wait_event = 'advisory'")
        with pytest.raises(OutcomeUnknown):
            await appending
    assert seqs(await store.append(batch, resolve=True)) == [1]


async def test_a_lock_that_is_not_given_back_makes_the_store_unavailable(store: PostgresStore, url: str) -> None:
    await store._writing.execute("SELECT set_config('lock_timeout', '50ms', false)", [])
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [APPEND_LOCK])
        with pytest.raises(StoreUnavailable):
            await store.append([message()])
    assert seqs(await store.append([message()])) == [1]


async def test_a_session_that_ended_while_idle_is_made_anew(store: PostgresStore, url: str) -> None:
    await store.append([message()])
    for _ in range(3):
        await store.head("general")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
            await end_session(other, "state = 'idle' AND datname = current_database()")
        assert await store.head("general") == 1
    wire = store._writing._wire
    assert wire
    await until(lambda: wire.is_lost)
    assert seqs(await store.append([message()])) == [2]


async def test_a_server_that_hangs_is_given_up(
    store: PostgresStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = PostgresStore(proxy.url)
    await reader.open()
    await reader.head("general")
    monkeypatch.setattr(postgres_connection, "ANSWER_S", 0.2)
    monkeypatch.setattr(postgres_reading, "ANSWER_S", 0.2)
    proxy.fault = "hang"
    batch = [message()]
    with pytest.raises(OutcomeUnknown):
        await store.append(batch)
    with pytest.raises(StoreUnavailable):
        await reader.head("general")
    started = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.append(batch)
    assert time.monotonic() - started < 10
    proxy.fault = ""
    monkeypatch.undo()
    assert seqs(await store.append(batch, resolve=True)) == [1]
    assert await reader.head("general") == 1
    await reader.close()


async def test_one_who_waits_hears_again_after_being_cut_off(store: PostgresStore, url: str) -> None:
    await store.wait(after=0, timeout_s=0.1)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await end_session(other, "query LIKE 'LISTEN%'")
    [number] = numbers(await store.append([message()]))
    async with asyncio.timeout(10):
        await store.wait(after=number.position - 1, timeout_s=60)


async def test_an_append_that_is_abandoned_harms_no_later_one(store: PostgresStore, url: str) -> None:
    batch = [message()]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute("SELECT pg_advisory_lock(%s)", [APPEND_LOCK])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await store.append(batch)
    assert seqs(await store.append(batch, resolve=True)) == [1]


async def test_without_a_server_the_store_is_unavailable_and_with_it_back_whole(mortal: Postgres) -> None:
    store = PostgresStore(mortal.create_database())
    await store.open()
    first = await store.append([message(), message()])
    for _ in range(2):
        mortal.kill()
        with pytest.raises((StoreUnavailable, OutcomeUnknown)):
            await store.append([message()])
        for asking in (store.append([message()]), store.read_all(after=0), store.last_position()):
            with pytest.raises(StoreUnavailable):
                await asking
        mortal.start()
        assert [(row.seq, row.position) for row in await everything(store)] == numbers(first)
    assert seqs(await store.append([message()])) == [3]
    await store.close()


async def test_a_store_without_a_server_does_not_open(mortal: Postgres) -> None:
    url = mortal.create_database()
    mortal.kill()
    with pytest.raises(StoreUnavailable):
        await PostgresStore(url).open()
    mortal.start()


async def test_killed_while_appending_the_server_keeps_what_it_acknowledged(mortal: Postgres) -> None:
    store = PostgresStore(mortal.create_database())
    await store.open()
    outcomes: list[Outcome] = []

    async def append() -> None:
        for i in range(150):
            outcomes.extend(await until_known(store, [message(f"m{i}"), message(f"n{i}")]))

    appending = asyncio.create_task(append())
    for enough in (40, 120, 200):
        await until(lambda enough=enough: len(outcomes) >= enough)  # type: ignore[misc] # bound now
        await asyncio.to_thread(mortal.kill)
        await asyncio.to_thread(mortal.start)
    await appending
    recorded = await everything(store)
    assert not any(map(is_conflict, outcomes))
    assert numbers(outcomes) == [(row.seq, row.position) for row in recorded]
    check_whole(recorded)
    await store.close()


async def end_session(other: psycopg.AsyncConnection, which: str) -> None:
    """End the sessions that match, and at least one."""
    ended: list[TupleRow] = []
    statement = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND "
    while not ended:
        ended = await (await other.execute((statement + which).encode())).fetchall()


async def until(is_true: Callable[[], bool]) -> None:
    """Wait for a condition, half a minute at most."""
    async with asyncio.timeout(30):
        while not is_true():
            await asyncio.sleep(0.002)
