import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from pytest_django import Settings

from tests.realtime.world import World, sqlite_world


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop of production."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(autouse=True)
def without_limits(settings: Settings) -> None:
    settings.LIMITS_ON = False


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with sqlite_world(tmp_path) as world:
        yield world


@pytest.fixture
async def served(world: World) -> AsyncIterator[World]:
    async with world.serve():
        yield world
