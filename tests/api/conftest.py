"""The real application, in this process, over SQLite in the tests' folder; ada, grace and nobody ask it."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from pytest_django import DjangoDbBlocker, Settings

from config.application import Application
from config.asgi import http
from realtime.routing import websockets
from tests.api.client import Client
from tests.api.documented import Document
from tests.api.lifespan import App, alive
from tests.api.tokens import bearing, make

_rooms = count(1)


@pytest.fixture(scope="session")
def tables(django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)


@pytest.fixture
def database(tables: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def limits() -> bool:
    """Whether anybody is held back for being fast."""
    return False


@pytest.fixture
async def application(database: None, limits: bool, settings: Settings) -> AsyncIterator[App]:
    settings.LIMITS_ON = limits
    sockets: Any = websockets  # its types are narrower than what ASGI servers send
    application = Application(http, sockets)
    async with alive(application):
        yield application


@pytest.fixture
def transport(application: App) -> httpx.ASGITransport:
    return httpx.ASGITransport(app=application, raise_app_exceptions=True)


@pytest.fixture
async def nobody(transport: httpx.ASGITransport) -> Client:
    """Somebody without credentials."""
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        document = Document((await client.get("/api/openapi.json")).json())
    return Client(transport, document)


@pytest.fixture
async def ada(nobody: Client) -> Client:
    return await nobody.become("ada")


@pytest.fixture
async def grace(nobody: Client) -> Client:
    return await nobody.become("grace")


@pytest.fixture
async def auditor(nobody: Client) -> Client:
    """Somebody with a token of the scope `audit`."""
    return await bearing(nobody, await make())


@pytest.fixture
def garden() -> str:
    """The label of a room that no other test knows."""
    return f"garden-{next(_rooms)}"
