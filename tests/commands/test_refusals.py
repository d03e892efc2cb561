"""What was refused is recorded for auditors, and somebody who hammers fills nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from commands import refusals
from commands.errors import Banned, Forbidden
from commands.handlers import Handlers
from commands.identity import Caller
from commands.member import Ban
from commands.people import REFUSED, CommandRefused
from commands.refusals import Refusals
from commands.rules import ChangeRoom
from commands.sealing import Mapper
from commands.store import Store
from commands.subscription import Log
from commands.writer import Writer
from tests.commands.callers import ADA, GRACE, say


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "EVERY_S", 0.001)


@pytest.fixture
async def noted(mapper: Mapper, writer: Writer) -> AsyncIterator[Refusals]:
    noted = Refusals(mapper, writer)
    noted.start()
    yield noted
    await noted.stop()


@pytest.fixture
def guarded(store: Store, mapper: Mapper, writer: Writer, noted: Refusals) -> Handlers:
    return Handlers(store, mapper, writer, limits=False, refusals=noted)


async def told(log: Log) -> list[CommandRefused]:
    facts = await log.read_room(REFUSED, after=0, auditor=True)
    return [fact.event for fact in facts if isinstance(fact.event, CommandRefused)]


async def told_after(log: Log, count: int) -> list[CommandRefused]:
    async with asyncio.timeout(10):
        while len(found := await told(log)) < count:
            await asyncio.sleep(0.002)
    return found


async def test_who_was_refused_what_where_and_why_is_recorded_apart(guarded: Handlers, log: Log) -> None:
    await guarded.handle(say("welcome"), ADA)
    await guarded.handle(Ban(room="general", person=GRACE.person), ADA)
    grace = Caller(person=GRACE.person, handle="grace", request_id="r-1", address="192.0.2.7", client="curl")
    with pytest.raises(Banned):
        await guarded.handle(say("hello"), grace)
    [event] = await told_after(log, 1)
    assert (event.actor, event.room, event.command, event.code, event.count) == (
        GRACE.person, "general", "PostMessage", "banned", 1,
    )  # fmt: skip
    assert (event.address, event.client, event.request_id) == ("192.0.2.7", "curl", "r-1")
    assert await log.head("general") == 3


async def test_every_way_to_be_refused_counts(guarded: Handlers, log: Log) -> None:
    await guarded.handle(say("welcome"), ADA)
    with pytest.raises(Forbidden):
        await guarded.handle(ChangeRoom(room="general", title="Mine"), GRACE)
    await guarded.handle(Ban(room="general", person=GRACE.person), ADA)
    with pytest.raises(Banned):
        await guarded.admit("general", GRACE)
    kinds = {(event.command, event.code) for event in await told_after(log, 2)}
    assert kinds == {("ChangeRoom", "forbidden"), ("Enter", "banned")}


async def test_one_who_hammers_costs_two_events_a_minute(
    noted: Refusals, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted.note("PostMessage", "general", "banned", GRACE)
    await told_after(log, 1)
    for _ in range(5000):
        noted.note("PostMessage", "general", "banned", GRACE)
    await asyncio.sleep(0.02)
    assert [event.count for event in await told(log)] == [1]
    monkeypatch.setattr(refusals, "MINUTE_S", 0.0)  # the minute is over
    assert [event.count for event in await told_after(log, 2)] == [1, 5000]


async def test_very_many_who_are_refused_fill_nothing(
    noted: Refusals, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_A_MINUTE", 3)
    for n in range(10):
        noted.note("PostMessage", f"room-{n}", "banned", GRACE)
    await told_after(log, 3)
    await noted.stop()
    assert len(await told(log)) == 3


async def test_what_was_counted_is_recorded_when_the_process_leaves(mapper: Mapper, writer: Writer, log: Log) -> None:
    noted = Refusals(mapper, writer)
    for _ in range(3):
        noted.note("PostMessage", "general", "banned", GRACE)
    await noted.stop()
    assert [event.count for event in await told(log)] == [3]


async def test_while_the_store_is_away_it_is_kept(
    noted: Refusals, writer: Writer, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_away", True)
    noted.note("PostMessage", "general", "banned", GRACE)
    await asyncio.sleep(0.02)
    assert await told(log) == []
    writer._away = False
    assert [event.count for event in await told_after(log, 1)] == [1]


async def test_where_it_came_from_goes_with_the_key_of_the_person(noted: Refusals, mapper: Mapper, log: Log) -> None:
    noted.note("PostMessage", "general", "banned", ADA)
    await told_after(log, 1)
    await mapper.keyring.destroy([ADA.person])
    [event] = await told(log)
    assert (event.address, event.client) == ("", "")
    noted.note("PostMessage", "general", "banned", ADA)
    await noted.stop()
    assert len(await told(log)) == 1  # of who was erased nothing more is recorded
