"""Before a process starts: is the database there, and may we? If not, it says what to do."""

import asyncio
import fcntl
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from commands.store import NotDurable, StoreUnavailable
from config import parts
from realtime.bus import LocalBus
from realtime.faults import faulty
from realtime.redis_address import parse

log = logging.getLogger("verbatim")

WAIT_S = 30.0
"""How long the database may take to come: everything may have been started at the same time."""
AGAIN_S = 0.5


def check_settings(*, workers: int = 1) -> None:
    """Raises: CommandError for settings that cannot work."""
    if workers > 1 and settings.ON_SQLITE:
        raise CommandError(
            "Several workers need PostgreSQL: set DATABASE_URL=postgres://…, or serve without --workers."
        )
    if workers > 1 and not settings.REDIS_URL:
        raise CommandError(
            "Several workers tell each other what is new over Redis or Valkey: set REDIS_URL=redis://…, "
            "or serve without --workers."
        )
    try:
        faulty(LocalBus(), settings.BUS_FAULT)
        if settings.REDIS_URL:
            parse(settings.REDIS_URL)
    except ValueError as error:
        raise CommandError(f"{error}") from error


@contextmanager
def alone() -> Iterator[None]:
    """Hold the deployment, if it is on SQLite: two processes would not hear of each other's messages.

    The lock goes with the process, however that ends. Raises: CommandError when another process has it.
    """
    if not settings.ON_SQLITE:
        yield
        return
    database = Path(settings.DATABASES["default"]["NAME"])
    with database.with_suffix(".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(
                f"Another process serves {database} already: stop it first. For several processes, set "
                "DATABASE_URL=postgres://… and REDIS_URL=redis://…."
            ) from None
        yield


def check_database(*, wait_s: float) -> None:
    """Wait for the database for so long, and see whether it is as it must be. Raises: CommandError."""
    deadline = time.monotonic() + (0 if settings.ON_SQLITE else wait_s)
    said = ""
    while True:
        try:
            asyncio.run(_find_store())
            behind = _find_migrations()
            break
        except (StoreUnavailable, OperationalError) as error:
            if time.monotonic() >= deadline:
                raise CommandError(f"The database cannot be reached. Check DATABASE_URL. It says: {error}") from error
            if said != (said := str(error)):
                log.warning("waiting for the database: %s", said)
        except (NotDurable, DatabaseError) as error:
            raise CommandError(f"{error}") from error
        time.sleep(AGAIN_S)
    if behind:
        raise CommandError("The read tables are not up to date: run `manage.py migrate` first.")


async def open_parts(*, wait_s: float) -> parts.Parts:
    """The parts, open. A database that has gone away since the checks may take so long to come back.

    Raises: NotDurable, StoreUnavailable.
    """
    deadline = time.monotonic() + wait_s
    while True:
        built = parts.build()
        try:
            await built.open()
        except StoreUnavailable as error:
            if time.monotonic() >= deadline:
                raise
            log.warning("waiting for the database: %s", error)
            await asyncio.sleep(AGAIN_S)
        else:
            return built


async def _find_store() -> None:
    """Raises: NotDurable, StoreUnavailable."""
    found = parts.build()
    await found.open()
    await found.close()


def _find_migrations() -> bool:
    """Whether there are migrations that the database has not seen. Raises: DatabaseError."""
    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    finally:
        connection.close()
