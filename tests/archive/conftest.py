"""A deployment with a past on each database, what it exports, and an empty server somewhere else."""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from pytest_django import DjangoDbBlocker

from archive.exporting import Exports, Form
from commands.keyring import Keyring
from commands.sealing import Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.subscription import Log
from config import parts
from config.parts import Parts
from projections.directory import Directory
from projections.history import History
from projections.proof import Proof
from tests.archive.forging import Lines
from tests.archive.past import live_through
from tests.cast import GENERAL
from tests.projections.conftest import django_on
from tests.projections.deployment import Deployment, execute, wipe
from tests.servers import Postgres

PUBLIC_KEY: bytes = settings.SIGNING_KEY.public_key


class Server:
    """A deployment, and its exports."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.exports = Exports(deployment.log, deployment.queries, settings.SIGNING_KEY)

    async def project(self) -> None:
        """Bring the read models and the tree to the end of the log."""
        await self.deployment.project(Directory(), History(), Proof())

    async def export(
        self, room: str | None = GENERAL, form: Form = "ndjson", *, auditor: bool = True, **moment: int
    ) -> bytes:
        if room is None:
            part = await self.exports.of_everything(**moment)
        else:
            part = await self.exports.of_room(room, auditor=auditor, **moment)
        return await whole(self.exports.write(part, form))


def forget_keys(url: str) -> None:
    """Know nobody: the past of the last test erased somebody."""
    if url.startswith("sqlite"):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("*.keys.sqlite3*"):
            path.unlink()
    elif execute("SELECT to_regclass('person_keys')")[0][0]:
        execute("DELETE FROM person_keys")


async def whole(pieces: AsyncGenerator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[str]:
    """Django's tables on one of the databases, to which Django is pointed while a module's tests run."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('archive')}/verbatim.sqlite3"
    else:
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.create_database()
    with django_db_blocker.unblock(), django_on(url):
        yield url


@pytest.fixture
async def empty(database: str) -> AsyncIterator[Server]:
    wipe(database)
    for table in ("proof_size", "proof_tile", "tree_head"):
        execute(f"DELETE FROM {table}")
    forget_keys(database)
    deployment = Deployment(parts.build())
    await deployment.open()
    yield Server(deployment)
    await deployment.close()


@pytest.fixture
async def server(empty: Server) -> Server:
    """A server with a past: every event there is, edits, redactions, somebody who was erased."""
    await live_through(empty.deployment)
    await empty.project()
    return empty


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Parts]:
    """An empty server with a master key of its own."""
    store, vault = SQLiteStore(tmp_path / "events.sqlite3"), SQLiteVault(tmp_path / "keys.sqlite3")
    mapper = Mapper(Keyring(vault, os.urandom(32)))
    there = Parts(store, vault, mapper, Log(store, mapper))
    await there.open()
    yield there
    await there.close()


@pytest.fixture
async def exported(server: Server) -> Lines:
    """The lines of a room's export, each with its end of line."""
    return (await server.export()).splitlines(keepends=True)
