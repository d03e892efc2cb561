"""Erasing through the door, over real stores: the key goes, everybody forgets, and a hold that came first wins."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from commands.administration import Administration
from commands.erasing import Erase, Hold, Release
from commands.errors import Gone, LegalHold, NotFound, Unavailable
from commands.handlers import Handlers
from commands.identity import Caller
from commands.keyring import Keyring
from commands.people import PEOPLE, PersonErased, person_subject
from commands.sealing import Mapper
from commands.sqlite_vault import SQLiteVault
from commands.store import Store, StoreUnavailable
from commands.subscription import Log
from commands.writer import Writer
from tests.commands.callers import ADA, GRACE, say

AUDITOR = Caller(person="bot:auditor", handle="auditor", request_id="r-audit", address="192.0.2.9", client="test")
ERASE = Erase(person=GRACE.person, reason="asked for it")


class Everywhere:
    """Knows who took part where."""

    def __init__(self, *rooms: str) -> None:
        self.rooms = rooms

    async def rooms_of(self, person: str, *, min_position: int) -> Sequence[str]:
        return self.rooms

    async def took_part(self, room: str, persons: Sequence[str], *, min_position: int) -> Sequence[str]:
        return persons


class Process:
    """What one process of the deployment has in its memory."""

    def __init__(self, store: Store, vault: SQLiteVault, writer: Writer, rooms: Everywhere) -> None:
        self.mapper = Mapper(Keyring(vault, bytes(32)))
        self.log = Log(store, self.mapper)
        self.handlers = Handlers(store, self.mapper, writer, limits=False)
        self.administration = Administration(store, self.mapper, writer, self.log, rooms)
        self.writer = writer

    async def said(self) -> list[tuple[str, str]]:
        facts = await self.log.read_room("general", after=0)
        return [(fact.event.data.get("message", "-") if fact.event else "?", fact.stub) for fact in facts]


@pytest.fixture
def rooms() -> Everywhere:
    return Everywhere("general")


@pytest.fixture
async def process(store: Store, vault: SQLiteVault, writer: Writer, rooms: Everywhere) -> Process:
    """ada opened a room, and grace has said something in it."""
    process = Process(store, vault, writer, rooms)
    await process.handlers.handle(say("welcome"), ADA)
    await process.handlers.handle(say("at dawn", "one"), GRACE)
    return process


@pytest.fixture
async def other(process: Process, store: Store, vault: SQLiteVault, writer: Writer, rooms: Everywhere) -> Process:
    """Another process, which has opened everything, too."""
    other = Process(store, vault, writer, rooms)
    assert await other.said() == [("-", ""), ("welcome", ""), ("at dawn", "")]
    return other


async def test_who_is_erased_is_forgotten_here_and_by_whoever_hears_of_it(process: Process, other: Process) -> None:
    ruling = await process.administration.carry_out(ERASE, AUDITOR)
    assert (ruling.seq, ruling.changed) == (1, True)
    assert await process.said() == [("-", ""), ("welcome", ""), ("", "erased")]
    assert (await other.said())[2] == ("at dawn", "")  # it has not heard of it yet
    await other.log.hear_of_people()
    assert (await other.said())[2] == ("", "erased")
    assert other.mapper.erasures.count == process.mapper.erasures.count == 1
    assert GRACE.person not in {each.event.actor for each in process.mapper.fresh._sealed.values()}


async def test_it_is_an_event_that_says_who_asked_why_and_from_where(process: Process) -> None:
    await process.administration.carry_out(ERASE, AUDITOR)
    [fact] = await process.log.read_room(PEOPLE, after=0, auditor=True)
    assert isinstance(fact.event, PersonErased)
    assert (fact.event.actor, fact.event.person, fact.event.reason) == (AUDITOR.person, GRACE.person, "asked for it")
    assert (fact.event.address, fact.event.client, fact.event.request_id) == ("192.0.2.9", "test", "r-audit")
    assert b"asked for it" not in fact.recorded.state


async def test_who_was_erased_can_do_nothing_any_more(process: Process, other: Process) -> None:
    await process.administration.carry_out(ERASE, AUDITOR)
    await other.log.hear_of_people()
    for each in (process, other):
        for command in (say("again", "two"), say("at dawn", "one")):
            with pytest.raises(Gone):
                await each.handlers.handle(command, GRACE)
        with pytest.raises(Gone):
            await each.handlers.admit("general", GRACE)


async def test_what_they_say_in_that_moment_elsewhere_is_read_by_nobody(process: Process, other: Process) -> None:
    await process.administration.carry_out(ERASE, AUDITOR)
    await other.handlers.handle(say("too late", "two"), GRACE)  # by a process that has not heard of it yet
    assert (await process.said())[3] == ("", "erased")
    await other.log.hear_of_people()
    assert (await other.said())[3] == ("", "erased")


async def test_to_erase_again_changes_nothing(process: Process) -> None:
    first = await process.administration.carry_out(ERASE, AUDITOR)
    again = await process.administration.carry_out(ERASE, AUDITOR)
    assert (again.seq, again.position, again.changed) == (first.seq, first.position, False)


async def test_a_hold_on_them_or_on_a_room_refuses_until_it_is_released(process: Process) -> None:
    carry_out = process.administration.carry_out
    for hold, release in (
        (Hold(person=GRACE.person), Release(person=GRACE.person)),
        (Hold(room="general"), Release(room="general")),
    ):
        await carry_out(hold, AUDITOR)
        with pytest.raises(LegalHold):
            await carry_out(ERASE, AUDITOR)
        assert (await process.said())[2] == ("at dawn", "")
        await carry_out(release, AUDITOR)
    assert (await carry_out(ERASE, AUDITOR)).changed


async def test_of_a_hold_and_an_erasure_at_once_the_first_to_be_recorded_wins(
    process: Process, other: Process, store: Store
) -> None:
    """Both have decided before either is recorded; the store lets one of them through."""
    answers = await asyncio.gather(
        other.administration.carry_out(Hold(room="general"), AUDITOR),
        process.administration.carry_out(ERASE, AUDITOR),
        return_exceptions=True,
    )
    topics = [row.topic for row in await store.read_stream(PEOPLE)]
    assert topics in (["room.held"], ["person.erased", "room.held"])
    assert isinstance(answers[1], LegalHold) == (topics[0] == "room.held")


async def test_what_was_cut_off_after_the_decision_is_finished_by_whoever_comes_next(
    process: Process,
    store: Store,
    vault: SQLiteVault,
    writer: Writer,
    rooms: Everywhere,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def dies(persons: Sequence[str]) -> None:
        raise StoreUnavailable("killed")

    with monkeypatch.context() as patch:
        patch.setattr(vault, "destroy", dies)
        with pytest.raises(Unavailable):
            await process.administration.carry_out(ERASE, AUDITOR)
    assert (await vault.read([GRACE.person]))[GRACE.person] is not None
    fresh = Process(store, vault, writer, rooms)
    await fresh.log.hear_of_people()
    assert (await vault.read([GRACE.person]))[GRACE.person] is None
    assert (await fresh.said())[2] == ("", "erased")
    assert not (await process.administration.carry_out(ERASE, AUDITOR)).changed


async def test_a_backup_of_the_keys_brings_nobody_back(
    process: Process, store: Store, vault: SQLiteVault, writer: Writer, rooms: Everywhere, tmp_path: Path
) -> None:
    kept = dict(await vault.read([GRACE.person, ADA.person]))
    await process.administration.carry_out(ERASE, AUDITOR)
    restored = SQLiteVault(tmp_path / "restored.sqlite3")
    await restored.open()
    await restored.add(kept)
    fresh = Process(store, restored, writer, rooms)
    await fresh.log.hear_of_people()
    assert await fresh.said() == [("-", ""), ("welcome", ""), ("", "erased")]
    assert (await restored.read([GRACE.person]))[GRACE.person] is None
    await restored.close()


async def test_of_whom_and_of_what_nobody_knows_nothing_is_recorded(process: Process, store: Store) -> None:
    for command in (Erase(person="guest:nobody"), Hold(person="guest:nobody"), Hold(room="nowhere")):
        with pytest.raises(NotFound):
            await process.administration.carry_out(command, AUDITOR)
    assert await store.read_stream(PEOPLE) == []


async def test_an_auditor_who_was_erased_does_nothing_any_more(process: Process) -> None:
    await process.administration.carry_out(Hold(person=ADA.person), AUDITOR)
    await process.administration.carry_out(Erase(person=AUDITOR.person), AUDITOR)
    with pytest.raises(Gone):
        await process.administration.carry_out(ERASE, AUDITOR)


async def test_what_is_known_of_a_person(process: Process) -> None:
    standing = process.administration.standing
    assert not (await standing(person_subject(GRACE.person))).is_held(GRACE.person)
    await process.administration.carry_out(Hold(person=GRACE.person), AUDITOR)
    assert (await standing(person_subject(GRACE.person))).is_held(GRACE.person)
    await process.administration.carry_out(Release(person=GRACE.person), AUDITOR)
    assert (await standing(person_subject(GRACE.person))).erased is None
    await process.administration.carry_out(ERASE, AUDITOR)
    assert (await standing(person_subject(GRACE.person))).erased


async def test_nothing_of_a_key_is_left_in_the_file(process: Process, vault: SQLiteVault, tmp_path: Path) -> None:
    wrapped = (await vault.read([GRACE.person]))[GRACE.person]
    assert wrapped is not None
    assert wrapped in in_files(tmp_path)
    await process.administration.carry_out(ERASE, AUDITOR)
    assert wrapped not in in_files(tmp_path)


def in_files(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("keys.sqlite3*"))
