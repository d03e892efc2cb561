"""What is particular to the event store on PostgreSQL: durability, plans, listening, and the library's tools."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from commands import postgres_reading
from commands.postgres import PostgresStore
from commands.postgres_batch import Heads
from commands.postgres_reading import Reading
from commands.postgres_vault import PostgresVault
from commands.store import Condition, NotDurable, StoreBusy, StoreUnavailable
from tests.commands.entries import accepted, change, message, numbers, seqs
from tests.servers import Postgres


@contextmanager
def altered(postgres: Postgres, what: str, setting: str) -> Iterator[None]:
    """A setting is off for a while, for new sessions too."""
    postgres.execute(f"ALTER {what} SET {setting} = off")
    postgres.execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        postgres.execute(f"ALTER {what} RESET {setting}")
        postgres.execute("SELECT pg_reload_conf()")


def until_sessions_see(postgres: Postgres, setting: str, value: str) -> None:
    deadline = time.monotonic() + 10
    while postgres.execute(f"SHOW {setting}") != [(value,)]:
        assert time.monotonic() < deadline


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
async def test_a_server_that_would_lose_messages_is_refused(postgres: Postgres, url: str, setting: str) -> None:
    with altered(postgres, "SYSTEM", setting):
        until_sessions_see(postgres, setting, "off")
        with pytest.raises(NotDurable, match=setting):
            await PostgresStore(url).open()
    until_sessions_see(postgres, setting, "on")


@pytest.mark.parametrize("whose", ["DATABASE {}", "ROLE postgres"])
async def test_a_role_or_database_that_would_lose_messages_is_refused(
    postgres: Postgres, url: str, database: str, whose: str
) -> None:
    with altered(postgres, whose.format(database), "synchronous_commit"), pytest.raises(NotDurable):
        await PostgresStore(url).open()


async def test_what_is_switched_off_later_does_not_weaken_an_open_store(
    postgres: Postgres, postgres_store: PostgresStore
) -> None:
    with altered(postgres, "SYSTEM", "synchronous_commit"):
        until_sessions_see(postgres, "synchronous_commit", "off")
        await postgres_store.append([message()])
        [(level,)] = await postgres_store._writing.execute("SELECT current_setting('synchronous_commit')", [])
        assert level == "on"
        await postgres_store._writing._drop()
        with pytest.raises(StoreUnavailable, match="synchronous_commit"):
            await postgres_store.append([message()])
    until_sessions_see(postgres, "synchronous_commit", "on")
    assert seqs(await postgres_store.append([message()])) == [2]


async def test_an_append_elsewhere_wakes_one_who_waits(postgres_store: PostgresStore, url: str) -> None:
    elsewhere = PostgresStore(url)
    await elsewhere.open()
    position = 0
    for _ in range(5):
        async with asyncio.timeout(5):
            waiting = asyncio.create_task(postgres_store.wait(after=position, timeout_s=60))
            [number] = numbers(await elsewhere.append([message()]))
            await waiting
        position = number.position
    await elsewhere.close()


async def test_plans_made_for_an_empty_store_are_right_for_a_large_one(
    postgres_store: PostgresStore, postgres: Postgres, database: str
) -> None:
    await work(postgres_store, "few", rounds=20)
    postgres.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state, subject) "
        "SELECT 'long', n, 't', 's', CASE n % 3 WHEN 0 THEN 'rules' ELSE 'message:' || n END "
        "FROM generate_series(1, 60000) n",
        database,
    )
    await flush_statistics(postgres_store)
    before = rows_touched(postgres, database)
    postgres_store._heads = Heads()
    await work(postgres_store, "long", rounds=5)
    await flush_statistics(postgres_store)
    after = rows_touched(postgres, database)
    assert after[0] == before[0]
    assert after[1] - before[1] < 2000


async def work(store: PostgresStore, stream: str, rounds: int) -> None:
    """Everything that a process asks of the store."""
    head = await store.head(stream)
    for i in range(rounds):
        batch = [message(room=stream, rests_on=[Condition("rules", head), Condition("member:ada", head)])]
        batch += [change(f"new{i}", 0, room=stream), message("4", room=stream)]
        outcomes = await store.append(batch, resolve=i % 2 == 1)
        assert accepted(outcomes[0])[0].seq == await store.head(stream) - 1 - (i == 0 and stream == "few")
        await store.read_stream(stream, after=head, limit=10)
        await store.read_stream(stream, upto=head, backwards=True, limit=10)
        await store.read_subjects(stream, ["message:4", f"new{i}", "none"], ends_of=["rules", "message:5", "none"])
        await store.read_about(stream, "rules", after=head // 2, limit=10)
        await store.last_topics(stream, ["message:4", f"new{i}", "none"])
        await store.read_last(stream, ["message:4", f"new{i}", "none"], upto=head)
        position = await store.last_position()
        await store.read_all(after=position - 3, limit=10)
        await store.tail(after=position - 3)


async def flush_statistics(store: PostgresStore) -> None:
    """Let every session of the store report what it has read."""
    await store._writing.execute("SELECT pg_stat_force_next_flush()", [])
    await asyncio.gather(
        *(store.reading.select("SELECT pg_stat_force_next_flush(), pg_sleep(0.05)", [], tuple) for _ in range(4))
    )


def rows_touched(postgres: Postgres, database: str) -> tuple[int, int]:
    """How often the whole table was read, and how many rows by index."""
    [(whole, by_index)] = postgres.execute(
        "SELECT seq_scan, (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'stored_events') "
        "FROM pg_stat_user_tables WHERE relname = 'stored_events'",
        database,
    )
    return int(whole), int(by_index)


def plain_recorder(url: str) -> PostgresApplicationRecorder:
    """The library's own recorder, as a tool would make it."""
    where = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    datastore = PostgresDatastore(
        where["dbname"], where["host"], where["port"], where["user"], "", pool_size=3, originator_id_type="text"
    )
    return PostgresApplicationRecorder(datastore)


async def test_the_librarys_own_recorder_reads_and_subscribes(postgres_store: PostgresStore, url: str) -> None:
    await postgres_store.append([message(), message(room="garden")])
    recorder = plain_recorder(url)
    notes = await asyncio.to_thread(recorder.select_notifications, 1, 10)
    assert [(note.id, note.originator_id, note.originator_version) for note in notes] == [
        (1, "general", 1),
        (2, "garden", 1),
    ]

    def follow() -> list[object]:
        with recorder.subscribe(gt=0) as subscription:
            return [next(subscription).id for _ in range(3)]

    following = asyncio.create_task(asyncio.to_thread(follow))
    async with asyncio.timeout(20):
        while not following.done():
            await postgres_store.append([message()])
            await asyncio.wait([following], timeout=0.2)
    assert following.result() == [1, 2, 3]
    await asyncio.to_thread(recorder.datastore.close)


async def test_the_librarys_own_insert_keeps_out_of_our_way(postgres_store: PostgresStore, url: str) -> None:
    recorder = plain_recorder(url)
    await postgres_store.append([message()])

    def insert() -> None:
        for i in range(40):
            recorder.insert_events([StoredEvent("other", i + 1, "other.tool", b"{}")])

    inserting = asyncio.create_task(asyncio.to_thread(insert))
    appended = 1
    while not inserting.done():
        appended += len(numbers(await postgres_store.append([message(), message()])))
    await inserting
    rows = await postgres_store.read_all(after=0, limit=100_000)
    assert len(rows) == appended + 40
    assert await postgres_store.head("other") == 40
    await asyncio.to_thread(recorder.datastore.close)


async def test_making_a_store_connects_to_nothing() -> None:
    PostgresStore("postgres://nobody@127.0.0.1:9/nowhere")


async def test_a_person_gets_one_key_for_ever(postgres_store: PostgresStore, url: str) -> None:
    vault = PostgresVault(postgres_store)
    assert await vault.read(["guest:ada"]) == {}
    kept = await asyncio.gather(*(vault.add({"guest:ada": bytes([i]), f"guest:{i}": b"key"}) for i in range(8)))
    assert len({keys["guest:ada"] for keys in kept}) == 1
    assert await vault.read(["guest:ada", "guest:nobody"]) == {"guest:ada": kept[0]["guest:ada"]}
    assert len(await vault.read([f"guest:{i}" for i in range(8)])) == 8
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await connection.execute("UPDATE person_keys SET wrapped = NULL")
    assert await vault.add({"guest:ada": b"another"}) == {"guest:ada": None}
    assert await vault.read(["guest:ada"]) == {"guest:ada": None}


async def test_more_readers_than_connections_find_the_store_busy_and_not_away(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_reading, "CONNECT_S", 0.3)
    reading = Reading(url, 1)
    await reading.open()
    slow = asyncio.create_task(reading.select("SELECT pg_sleep(2)", [], tuple))
    await asyncio.sleep(0.1)
    with pytest.raises(StoreBusy):
        await reading.select("SELECT 1", [], tuple)
    await slow
    assert await reading.select("SELECT 1", [], tuple) == [(1,)]
    await reading.close()
