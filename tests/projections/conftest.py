"""A deployment without its edges, on SQLite and on PostgreSQL: the log, the write side, the read side."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from pytest_django import DjangoDbBlocker

from config import environment, parts
from tests.projections.deployment import Deployment, on_django, wipe
from tests.servers import Postgres

django.setup()


@pytest.fixture(scope="session")
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('projections')}/verbatim.sqlite3"


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    return postgres.create_database()


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Django's tables on one of the databases, to which Django is pointed until the last test of a file has run."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    with django_db_blocker.unblock(), django_on(url):
        yield url


@contextmanager
def django_on(url: str) -> Iterator[None]:
    """Django, with its tables, on another database."""
    before = (connections.settings["default"], settings.DATABASES, settings.DATABASE_URL, settings.ON_SQLITE)
    _point_django_at(dict(environment.database(url, Path("/"))), url)
    on_django(lambda: call_command("migrate", verbosity=0))
    yield
    on_django(_forget_connection)
    _forget_connection()
    connections.settings["default"], settings.DATABASES, settings.DATABASE_URL, settings.ON_SQLITE = before


def _point_django_at(database: dict[str, Any], url: str) -> None:
    settings.DATABASES = {"default": database}
    settings.DATABASE_URL = url
    settings.ON_SQLITE = url.startswith("sqlite")
    connections.settings["default"] = connections.configure_settings({"default": database})["default"]


def _forget_connection() -> None:
    """Let this thread's next connection be one to where Django points then."""
    connections["default"].close()
    del connections["default"]


@pytest.fixture
async def deployment(database: str) -> AsyncIterator[Deployment]:
    wipe(database)
    deployment = Deployment(parts.build())
    await deployment.open()
    yield deployment
    await deployment.close()
