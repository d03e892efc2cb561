"""What the projections have written equals what they write anew from a copy of the log."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from projections.known import KNOWN
from tests.acceptance.deployment import Process, Projector, Web, migrated_database, opened
from tests.acceptance.waiting import until
from tests.servers import Postgres

TABLES = ("parked_room", *(table for projection in KNOWN for table in projection.tables))
PROJECTED_S = 300.0
LOG_TABLES = ("stored_events", "person_keys")

type Tables = dict[str, list[tuple[Any, ...]]]


async def assert_equals_a_rebuild(database_url: str, postgres: Postgres | None = None) -> None:
    """Let the read models come to the end of the log, and compare them with those of a fresh deployment."""
    position = await last_position(database_url)
    await until_projected(database_url, position)
    kept = read_tables(database_url)
    with await fresh(database_url, postgres) as copy:
        assert await last_position(copy.database_url) == position
        await until_projected(copy.database_url, position)
        rebuilt = read_tables(copy.database_url)
    assert kept["history_item"], "nothing was projected: this run shows nothing"
    assert kept["parked_room"] == []
    for table in TABLES:
        assert kept[table] == rebuilt[table], table


async def last_position(database_url: str) -> int:
    async with opened(database_url) as those:
        return await those.log.last_position()


async def until_projected(database_url: str, position: int) -> None:
    """Wait until every projection has finished this position."""

    async def has_come_so_far() -> bool:
        checkpoints = select(database_url, "SELECT position FROM checkpoint")
        return len(checkpoints) == len(KNOWN) and min(checkpoints) >= (position,)

    await until(has_come_so_far, f"the projections to reach {position}", PROJECTED_S)


async def fresh(database_url: str, postgres: Postgres | None) -> Process:
    """A deployment that has a copy of the log and has projected nothing of it yet."""
    if postgres is None:
        copy: Process = Web()
        copy_files(Path(database_url.removeprefix("sqlite:///")), copy.folder / "verbatim.sqlite3")
        return copy
    copy = Projector(migrated_database(postgres))
    async with opened(copy.database_url):
        copy_rows(database_url, copy.database_url)
    return copy


def copy_files(source: Path, target: Path) -> None:
    for suffix in (".events.sqlite3", ".keys.sqlite3"):
        with (
            closing(sqlite3.connect(source.with_suffix(suffix))) as there,
            closing(sqlite3.connect(target.with_suffix(suffix))) as here,
        ):
            there.backup(here)


def copy_rows(source: str, target: str) -> None:
    with psycopg.connect(source) as there, psycopg.connect(target) as here:
        for table in LOG_TABLES:
            with (
                there.cursor().copy(f"COPY {table} TO STDOUT".encode()) as rows,
                here.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copies,
            ):
                for row in rows:
                    copies.write(row)


def read_tables(database_url: str) -> Tables:
    return {table: sorted(select(database_url, f"SELECT * FROM {table}"), key=repr) for table in TABLES}


def select(database_url: str, statement: str) -> list[tuple[Any, ...]]:
    with connect(database_url) as connection:
        rows: list[tuple[Any, ...]] = connection.execute(statement).fetchall()
    return rows


@contextmanager
def connect(database_url: str) -> Iterator[Any]:
    if database_url.startswith("sqlite:"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as connection:
            yield connection
    else:
        with psycopg.connect(database_url) as connection:
            yield connection
