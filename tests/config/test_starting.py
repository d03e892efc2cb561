"""Before a process starts: what it waits for, and what it refuses."""

import logging
from typing import NamedTuple

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError
from pytest_django import Settings

from commands.store import StoreUnavailable
from config import parts, starting
from tests.servers import Postgres, free_port


@pytest.fixture
def away(postgres: Postgres, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A database that goes away between two looks: the second fails once for each entry, then finds nothing amiss."""
    settings.DATABASE_URL, settings.ON_SQLITE = postgres.create_database(), False
    fails = [True]

    def look() -> bool:
        if fails and fails.pop():
            raise OperationalError("the database system is starting up")
        return False

    monkeypatch.setattr(starting, "_find_migrations", look)
    monkeypatch.setattr(starting, "AGAIN_S", 0.01)
    return fails


def test_a_database_that_goes_away_between_two_looks_is_waited_for(
    away: list[bool], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "verbatim"):
        starting.check_database(wait_s=30)
    assert away == []
    assert "waiting for the database: the database system is starting up" in caplog.text


@pytest.mark.usefixtures("away")
def test_waiting_has_an_end() -> None:
    with pytest.raises(CommandError, match=r"cannot be reached.*starting up"):
        starting.check_database(wait_s=0)


def test_a_database_that_is_not_there_is_told_apart(settings: Settings) -> None:
    settings.DATABASE_URL, settings.ON_SQLITE = f"postgres://nobody@127.0.0.1:{free_port()}/none", False
    with pytest.raises(CommandError, match="Check DATABASE_URL"):
        starting.check_database(wait_s=0)


def test_tables_that_are_not_up_to_date_are_refused(
    postgres: Postgres, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABASE_URL, settings.ON_SQLITE = postgres.create_database(), False
    monkeypatch.setattr(starting, "_find_migrations", lambda: True)
    with pytest.raises(CommandError, match=r"manage\.py migrate"):
        starting.check_database(wait_s=0)


class GoneAtFirst(NamedTuple):
    """Parts whose store cannot be reached as often as there are entries."""

    fails: list[bool]

    async def open(self) -> None:
        if self.fails:
            self.fails.pop()
            raise StoreUnavailable("the database system is starting up")


async def test_a_database_that_goes_away_after_the_checks_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = [True, True]
    monkeypatch.setattr(parts, "build", lambda: GoneAtFirst(fails))
    monkeypatch.setattr(starting, "AGAIN_S", 0.01)
    await starting.open_parts(wait_s=30)
    assert fails == []


async def test_that_has_an_end_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "build", lambda: GoneAtFirst([True]))
    with pytest.raises(StoreUnavailable, match="starting up"):
        await starting.open_parts(wait_s=0)
