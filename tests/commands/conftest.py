"""Event stores, and a write side on them: what asks for `store` or `open_store` runs on SQLite and on PostgreSQL."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from commands.handlers import Handlers
from commands.keyring import Keyring
from commands.postgres import PostgresStore
from commands.sealing import Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.store import Store
from commands.subscription import Log
from commands.writer import Writer
from tests.servers import Postgres

OpenStore = Callable[[], Awaitable[Store]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of production."""
    return {"uvloop": uvloop.new_event_loop}


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


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[SQLiteVault]:
    vault = SQLiteVault(tmp_path / "keys.sqlite3")
    await vault.open()
    yield vault
    await vault.close()


@pytest.fixture
def mapper(vault: SQLiteVault) -> Mapper:
    return Mapper(Keyring(vault, os.urandom(32)))


@pytest.fixture
async def writer(store: Store) -> AsyncIterator[Writer]:
    writer = Writer(store, lambda _: None)
    writer.start()
    yield writer
    await writer.close()


@pytest.fixture
def handlers(store: Store, mapper: Mapper, writer: Writer) -> Handlers:
    return Handlers(store, mapper, writer, limits=False)


@pytest.fixture
def elsewhere(store: Store, mapper: Mapper, writer: Writer) -> Handlers:
    """The same deployment, seen by a process that remembers nothing of what `handlers` did."""
    return Handlers(store, mapper, writer, limits=False)


@pytest.fixture
def log(store: Store, mapper: Mapper) -> Log:
    return Log(store, mapper)
