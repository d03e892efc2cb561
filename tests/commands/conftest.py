"""Event stores for tests: every test that asks for `store` or `open_store` runs on SQLite and on PostgreSQL."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from commands.postgres import PostgresStore
from commands.sqlite import SQLiteStore
from commands.store import Store
from tests.servers import Postgres

OpenStore = Callable[[], Awaitable[Store]]


@pytest.fixture(scope="session")
def database(postgres: Postgres) -> str:
    """The name of the database in which the stores of tests live, one after the other."""
    return postgres.create_database().rpartition("/")[2]


@pytest.fixture
def url(postgres: Postgres, database: str) -> str:
    """The url of an empty PostgreSQL database."""
    return postgres.wipe(database)


@pytest.fixture(params=["sqlite", "postgres"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes stores, not yet open, on one and the same empty database."""
    if request.param == "sqlite":
        return lambda: SQLiteStore(tmp_path / "events.sqlite3")
    url = request.getfixturevalue("url")
    return lambda: PostgresStore(url)


@pytest.fixture
async def open_store(make_store: Callable[[], Store]) -> AsyncIterator[OpenStore]:
    """Opens one more store on the test's database, as another process would."""
    opened: list[Store] = []

    async def open_one() -> Store:
        store = make_store()
        await store.open()
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(open_store: OpenStore) -> Store:
    """A store on an empty database."""
    return await open_store()


@pytest.fixture
async def postgres_store(url: str) -> AsyncIterator[PostgresStore]:
    """A store on an empty PostgreSQL database."""
    store = PostgresStore(url)
    await store.open()
    yield store
    await store.close()
