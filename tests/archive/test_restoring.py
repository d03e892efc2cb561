"""What was exported comes back: the export of the imported server has the same content, byte for byte."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import structs

from archive import ndjson
from archive.lines import content_of, decode, with_check
from archive.part import Part
from archive.restoring import Ndjson
from archive.sources import Damaged
from archive.stored import day_of_line
from commands import attempt
from commands.days import DAY_MS, LONG_OVER, day_key, day_of
from commands.erasing import Expire
from commands.identity import Caller
from commands.restoring import NotEmpty, Restoring
from commands.rules import ChangeRoom, OpenRoom
from config.parts import Parts
from tests.archive.conftest import Server, whole
from tests.archive.past import SECRET
from tests.archive.spoiling import with_junk
from tests.archive.test_checking import findings
from tests.cast import GENERAL, GRACE, NOON


async def restore(file: bytes, folder: Path, there: Parts) -> int:
    path = folder / "export.ndjson"
    path.write_bytes(file)
    restoring, source = Restoring(there.store, there.mapper), Ndjson(path)
    source.check()
    await restoring.append(source.decided())
    return restoring.events


async def content_at(there: Parts, room: str | None) -> bytes:
    position = await there.log.last_position()
    upto = await there.log.head(room) if room else 0
    part = Part(room, upto, position, auditor=True, exported_at=0)
    return await whole(ndjson.content(ndjson.facts(there.log, part, 1000)))


@pytest.mark.parametrize("room", [GENERAL, None])
async def test_the_content_is_the_same(server: Server, elsewhere: Parts, tmp_path: Path, room: str | None) -> None:
    file = await server.export(room)
    there = [content_of(line) + b"\n" for line in file.splitlines()[1:-1]]
    assert await restore(file, tmp_path, elsewhere) == len(there)
    assert await content_at(elsewhere, room) == b"".join(there) == await content_at(server.deployment.parts, room)


async def test_so_is_that_of_the_past(server: Server, elsewhere: Parts, tmp_path: Path) -> None:
    assert await restore(await server.export(as_of=6), tmp_path, elsewhere) == 6


async def test_what_comes_back_is_sealed_with_new_keys(server: Server, elsewhere: Parts, tmp_path: Path) -> None:
    await restore(await server.export(), tmp_path, elsewhere)
    here = await server.deployment.parts.store.read_stream(GENERAL)
    there = await elsewhere.store.read_stream(GENERAL)
    assert len(here) == len(there)
    assert not {row.state for row in here} & {row.state for row in there}
    assert not [row for row in there if SECRET.encode() in row.state]
    assert (await elsewhere.vault.read([GRACE]))[GRACE]


async def test_who_was_erased_stays_erased(server: Server, elsewhere: Parts, tmp_path: Path) -> None:
    await restore(await server.export(None), tmp_path, elsewhere)
    assert await elsewhere.vault.read(["guest:gone"]) == {"guest:gone": None}
    facts = await elsewhere.log.read_all(after=0, limit=100)
    assert [fact.stub for fact in facts if fact.event and fact.event.actor == "guest:gone"] == ["erased"] * 3


async def test_what_is_over_stays_over_and_what_is_not_keeps_its_day(
    empty: Server, elsewhere: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, now = empty.deployment, NOON
    monkeypatch.setattr(attempt, "now_ms", lambda: now)
    await here.do("user:hopper", OpenRoom(room=GENERAL))
    await here.do("user:hopper", ChangeRoom(room=GENERAL, retain_days=7))
    await here.say(GRACE, "of today")
    now += DAY_MS
    await here.say(GRACE, "of tomorrow")
    today, tomorrow = day_of(NOON), day_of(now)
    retention = Caller(person="bot:retention", handle="retention", request_id="r")
    await here.administration.carry_out(Expire(room=GENERAL, since=today, before=tomorrow), retention)
    await empty.project()
    file = await empty.export(None)
    assert findings(file.splitlines(keepends=True)) == []
    await restore(file, tmp_path, elsewhere)
    assert await content_at(elsewhere, GENERAL) == await content_at(here.parts, GENERAL)
    facts = await elsewhere.log.read_room(GENERAL, after=2, auditor=True)
    assert [fact.stub for fact in facts] == ["erased", ""]
    assert [json.loads(fact.recorded.state)["day"] for fact in facts] == [LONG_OVER, tomorrow]
    assert (await elsewhere.vault.read([GRACE]))[GRACE], "she may go on"
    await elsewhere.log.hear_of_people()
    over = [day_key(GENERAL, day) for day in (today, tomorrow)]
    assert [key is None for key in (await elsewhere.vault.read(over)).values()] == [True, False]


@pytest.mark.parametrize(
    "state", [b'{"day":"yesterday"}', b'{"day":7}', b'{"day":"20261122"}', b'{"day":"2026-11-31"}', b'{"day":']
)
async def test_a_day_that_is_none_is_refused(server: Server, state: bytes) -> None:
    line = decode((await server.export()).splitlines()[1])
    with pytest.raises(ValueError):  # noqa: PT011 - by whoever reads dates
        day_of_line(structs.replace(line, state=state))


async def test_a_server_that_is_not_empty_is_left_alone(server: Server, tmp_path: Path) -> None:
    before = await server.deployment.log.last_position()
    with pytest.raises(NotEmpty):
        await restore(await server.export(), tmp_path, server.deployment.parts)
    assert await server.deployment.log.last_position() == before


def spoilt(line: bytes) -> bytes:
    return line.replace(b'"seq":4', b'"seq":5')


def unknown(line: bytes) -> bytes:
    return line.replace(b'"message.posted"', b'"message.pasted"', 1)


@pytest.mark.parametrize(
    ("number", "damage", "says"),
    [
        (4, spoilt, "line 5: "),
        (4, unknown, "line 5: "),
        (4, lambda _: b"", "line 5: "),
        (4, lambda line: line[:-20], "line 5: "),
        (-1, lambda _: b"", "its manifest"),
        (0, lambda line: line.replace(b'"version":1', b'"version":7'), "line 1: this is version 7"),
        (0, lambda _: b"PK\x03\x04\n", "line 1: this is no export"),
    ],
)
async def test_a_damaged_file_changes_nothing_and_says_where(
    server: Server, elsewhere: Parts, tmp_path: Path, number: int, damage: Callable[[bytes], bytes], says: str
) -> None:
    lines = (await server.export()).splitlines(keepends=True)
    lines[number] = damage(lines[number])
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"".join(lines))
    with pytest.raises(Damaged, match=says):
        Ndjson(path).check()
    assert await elsewhere.store.last_position() == 0


async def test_a_readers_export_is_not_complete(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_bytes(await server.export(auditor=False))
    with pytest.raises(Damaged, match="made for a reader"):
        Ndjson(path).check()


async def test_an_event_that_cannot_be_opened_cannot_come_back(server: Server, tmp_path: Path) -> None:
    head = await server.deployment.log.head(GENERAL)
    await server.deployment.spoil(GENERAL, head + 1)
    path = tmp_path / "export.ndjson"
    path.write_bytes(await server.export())
    with pytest.raises(Damaged, match=f"general/{head + 1} could not be opened"):
        Ndjson(path).check()


async def test_whatever_a_line_says_it_is_read_or_refused(server: Server, tmp_path: Path) -> None:
    lines = (await server.export()).splitlines()
    path = tmp_path / "export.ndjson"
    for number in (0, 1, 3, 13):
        for text in with_junk(lines[number].decode(), 60):
            path.write_bytes(b"\n".join([*lines[:number], with_check(text.encode()), *lines[number + 1 :], b""]))
            with pytest.raises(Damaged):
                Ndjson(path).check()
    for text in with_junk(lines[-1].decode(), 60):
        path.write_bytes(b"\n".join([*lines[:-1], text.encode(), b""]))
        with suppress(Damaged):
            Ndjson(path).check()


async def test_a_file_that_changed_since_it_was_checked_is_not_believed(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    path.write_bytes(await server.export())
    source = Ndjson(path)
    source.check()
    path.write_bytes(path.read_bytes().replace(SECRET.encode(), SECRET[::-1].encode()))
    with pytest.raises(Damaged, match="not the file that was checked"):
        list(source.decided())
    path.write_bytes(b"one line\nand another\n")
    with pytest.raises(Damaged, match="line 2: "):
        list(source.decided())
