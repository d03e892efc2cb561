"""The parts that web processes, workers and commands share: the store of this deployment and the keys to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

from django.conf import settings

from commands.administration import Administration
from commands.keyring import Keyring
from commands.postgres import PostgresStore
from commands.postgres_vault import PostgresVault
from commands.refusals import Refusals
from commands.sealing import Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_connection import files_beside
from commands.sqlite_vault import SQLiteVault
from commands.store import Store, StoreUnavailable
from commands.subscription import POLL_S, Log
from commands.writer import Writer
from projections.queries import Queries
from projections.runner import Runner
from projections.signing import Signer


class Parts(NamedTuple):
    """An event store with its keys, and the log that is read through them."""

    store: Store
    vault: SQLiteVault | PostgresVault
    mapper: Mapper
    log: Log

    async def open(self) -> None:
        """Connect, and hear who was erased before anything is opened. Raises: NotDurable, StoreUnavailable."""
        await self.store.open()
        await self.vault.open()
        await self.log.hear_of_people()

    async def close(self) -> None:
        """Close every connection."""
        await self.vault.close()
        await self.store.close()


@asynccontextmanager
async def hearing(log: Log) -> AsyncIterator[None]:
    """Hear meanwhile who is erased, at least once a second, as web processes do: for commands that take their time."""

    async def hear() -> None:
        while True:
            await asyncio.sleep(POLL_S)
            with suppress(StoreUnavailable):
                await log.hear_of_people()

    task = asyncio.create_task(hear(), name="hear of people")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def build() -> Parts:
    """The parts that the settings ask for. On SQLite, store and keys are files beside Django's."""
    store: Store
    vault: SQLiteVault | PostgresVault
    if settings.ON_SQLITE:
        files = files_beside(settings.DATABASES["default"]["NAME"])
        store, vault = SQLiteStore(files.events), SQLiteVault(files.keys)
    else:
        postgres = PostgresStore(settings.DATABASE_URL, direct_url=settings.DIRECT_DATABASE_URL)
        store, vault = postgres, PostgresVault(postgres)
    mapper = Mapper(Keyring(vault, settings.MASTER_KEY))
    return Parts(store, vault, mapper, Log(store, mapper))


def administration(those: Parts, writer: Writer, queries: Queries, refusals: Refusals | None = None) -> Administration:
    """The door for what auditors do about people."""
    return Administration(those.store, those.mapper, writer, those.log, queries, refusals)


def runner(log: Log) -> Runner:
    """What keeps the read models of this deployment up to date, and signs tree heads."""
    return Runner(log, signer=Signer(settings.SIGNING_KEY, settings.TREE_HEAD_EVERY_S))
