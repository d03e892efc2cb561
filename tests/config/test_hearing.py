"""Commands that take their time hear meanwhile who is erased."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from pytest_django import Settings

from commands.administration import Administration
from commands.erasing import Erase
from commands.handlers import Handlers
from commands.identity import Caller
from commands.message import PostMessage
from commands.writer import Writer
from config import parts
from config.parts import Parts
from tests.cast import ADA, GENERAL

CALLER = Caller(person=ADA, handle="ada", request_id="r")


class Nowhere:
    async def rooms_of(self, person: str, *, min_position: int) -> Sequence[str]:
        return ()

    async def took_part(self, room: str, persons: Sequence[str], *, min_position: int) -> Sequence[str]:
        return ()


async def said(those: Parts) -> tuple[str, str]:
    [_, fact] = await those.log.read_room(GENERAL, after=0)
    return (str(fact.event.data.get("message")) if fact.event else "", fact.stub)


async def test_who_is_erased_by_another_process_is_forgotten_soon(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ON_SQLITE = True
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(tmp_path / "verbatim.sqlite3"))
    monkeypatch.setattr(parts, "POLL_S", 0.01)
    server, command = parts.build(), parts.build()
    await server.open()
    await command.open()
    writer = Writer(server.store, lambda _: None)
    writer.start()
    await Handlers(server.store, server.mapper, writer).handle(PostMessage(room=GENERAL, message="hi"), CALLER)
    async with parts.hearing(command.log):
        assert await said(command) == ("hi", "")
        door = Administration(server.store, server.mapper, writer, server.log, Nowhere())
        await door.carry_out(Erase(person=ADA), Caller(person="bot:auditor", handle="auditor", request_id="r"))
        async with asyncio.timeout(10):
            while await said(command) != ("", "erased"):
                await asyncio.sleep(0.01)
    await writer.close()
    await command.close()
    await server.close()
    late = parts.build()
    await late.open()
    assert late.log.erasures.count == 1, "it is heard before anything is opened"
    await late.close()
