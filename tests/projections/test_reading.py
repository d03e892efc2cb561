"""The read side's connections: whoever reads does not notice that some of them died."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from commands import postgres_reading
from commands.errors import Unavailable
from projections.reading import BY_INDEX, CONNECTIONS, PostgresReading
from tests.commands.proxy import Proxy
from tests.servers import Postgres

END_IDLE = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE state = 'idle' AND datname = current_database() AND pid <> pg_backend_pid()"
)
ONE = [(1,)]


@pytest.fixture
def url(postgres: Postgres) -> str:
    return postgres.create_database()


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def reading(proxy: Proxy) -> AsyncIterator[PostgresReading]:
    """A reader all of whose connections were used."""
    reading = PostgresReading(proxy.url)
    await reading.open()
    await use_every_connection(reading)
    yield reading
    await reading.close()


async def use_every_connection(reading: PostgresReading) -> None:
    await asyncio.gather(*[reading.rows("SELECT 1 FROM pg_sleep(0.1)", {}) for _ in range(CONNECTIONS)])


def has_fault(proxy: Proxy) -> bool:
    return proxy.fault != ""


async def test_connections_that_ended_while_idle_refuse_nobody(reading: PostgresReading, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        assert len(other.execute(END_IDLE).fetchall()) >= CONNECTIONS
    assert await reading.rows("SELECT :n::int", {"n": 1}) == ONE


async def test_a_connection_that_says_nothing_is_given_up_for_another(
    reading: PostgresReading, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_reading, "TRY_S", 0.2)
    proxy.fault = "hang once"
    assert await reading.rows("SELECT :n::int", {"n": 1}) == ONE
    assert not has_fault(proxy)


async def test_what_cannot_be_asked_is_an_error_at_once(reading: PostgresReading) -> None:
    with pytest.raises(psycopg.DataError):
        await reading.rows("SELECT :text", {"text": "no\0where"})
    assert await reading.rows("SELECT 1", {}) == ONE


async def test_a_database_that_hangs_is_unavailable(
    reading: PostgresReading, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_reading, "ANSWER_S", 0.2)
    proxy.fault = "hang"
    with pytest.raises(Unavailable):
        await reading.rows("SELECT 1", {})


async def test_statements_go_by_index_and_change_nothing(reading: PostgresReading) -> None:
    [(scans, plans)] = await reading.rows(
        "SELECT current_setting('enable_seqscan'), current_setting('plan_cache_mode')", {}
    )
    assert (scans, plans) == ("off", "force_generic_plan")
    assert "default_transaction_read_only=on" in BY_INDEX
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        await reading.rows("CREATE TABLE refused ()", {})
