"""What is said in a room that keeps it for some days is sealed with the day's key, too, and is over with it."""

import json
from collections.abc import Sequence

import pytest

from commands.amending import EditMessage
from commands.days import LONG_OVER, before, begin_of, day_key, day_keys, day_of
from commands.erasing import Erase, Expire, Hold, Release
from commands.errors import Gone, LegalHold
from commands.identity import Caller
from commands.message import derive_id
from commands.people import EXPIRED, PEOPLE, room_subject
from commands.refusals import Refusals
from commands.rules import ChangeRoom
from commands.sealing import Fact
from commands.sqlite_vault import SQLiteVault
from commands.store import Recorded, Store
from commands.writer import Writer
from tests.cast import NOON
from tests.clock import Clock, clock
from tests.commands.callers import GRACE, say
from tests.commands.test_administration import AUDITOR, Everywhere, Process, rooms

__all__ = ["clock", "rooms"]

HOPPER = Caller(person="user:hopper", handle="hopper", request_id="r-hopper")
DAY = day_of(NOON)
NEXT = before(DAY, -1)
OVER = Expire(room="general", since=DAY, before=NEXT)
EVERYTHING = Expire(room="general", since=DAY, before="2027-01-01")


@pytest.fixture
async def kept(store: Store, vault: SQLiteVault, writer: Writer, rooms: Everywhere, clock: Clock) -> Process:
    """A room that was opened without a word on keeping, and keeps what is said for a week from the next day on."""
    process = Process(store, vault, writer, rooms)
    clock.pass_days(-1)
    await process.handlers.handle(say("welcome", "zero"), HOPPER)
    await process.handlers.handle(say("at dawn", "one"), GRACE)
    clock.pass_days(1)
    await process.handlers.handle(ChangeRoom(room="general", retain_days=7), HOPPER)
    await process.handlers.handle(say("at noon", "two"), GRACE)
    await process.handlers.handle(say("indeed", "three"), HOPPER)
    return process


def edit(client_msg_id: str, text: str, author: Caller = GRACE) -> EditMessage:
    return EditMessage(room="general", message_id=derive_id("general", author.person, client_msg_id), message=text)


async def seen(process: Process, topic: str = "message.posted", *, auditor: bool = False) -> list[str]:
    """What is told of messages, or why it is not."""
    facts = await process.log.read_room("general", after=0, auditor=auditor)
    return [fact.stub or _text(fact) for fact in facts if fact.recorded.topic == topic]


def _text(fact: Fact) -> str:
    return str(fact.event.data["message"]) if fact.event else "?"


async def days_in(store: Store) -> list[str | None]:
    return [json.loads(row.state).get("day") for row in await store.read_stream("general")]


def test_days() -> None:
    assert (DAY, NEXT, before(DAY, 22)) == ("2026-11-22", "2026-11-23", "2026-10-31")
    assert (day_of(begin_of(DAY)), day_of(begin_of(DAY) - 1)) == (DAY, "2026-11-21")
    names = ["day:general:2026-12-31", "day:general:2027-01-01"]
    assert list(day_keys("general", "2026-12-31", "2027-01-02")) == names
    assert list(day_keys("general", DAY, DAY)) == list(day_keys("general", NEXT, DAY)) == []
    with pytest.raises(ValueError, match=LONG_OVER):
        begin_of(LONG_OVER)


async def test_it_opens_with_both_keys(kept: Process, store: Store, vault: SQLiteVault) -> None:
    assert await seen(kept) == ["welcome", "at dawn", "at noon", "indeed"]
    assert await days_in(store) == [None] * 4 + [DAY] * 2
    assert await seen(Process(store, vault, kept.writer, Everywhere())) == ["welcome", "at dawn", "at noon", "indeed"]


async def test_with_the_days_key_everybodys_words_of_that_day_go(
    kept: Process, store: Store, vault: SQLiteVault
) -> None:
    other = Process(store, vault, kept.writer, Everywhere())
    assert await seen(other) == ["welcome", "at dawn", "at noon", "indeed"]
    assert (await kept.administration.carry_out(OVER, AUDITOR)).changed
    assert await seen(kept, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    await other.log.hear_of_people()
    assert await seen(other, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    assert [row.topic for row in await store.read_stream(PEOPLE)] == [EXPIRED]
    assert not (await kept.administration.carry_out(OVER, AUDITOR)).changed


async def test_what_was_sealed_before_is_hidden_from_readers_alone(kept: Process) -> None:
    """Its key is its author's: destroying it would erase them."""
    await kept.administration.carry_out(EVERYTHING, AUDITOR)
    assert await seen(kept) == ["erased"] * 4
    assert await seen(kept, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    facts = await kept.log.read_room("general", after=0)
    assert {getattr(fact.event, name) for fact in facts if fact.event for name in fact.event.SEALED} == {""}
    revisions = await kept.log.revisions("general", edit("one", "").message_id)
    assert revisions and [fact.stub for fact, _ in revisions.versions] == ["erased"]


async def test_with_a_persons_key_theirs_of_every_day_go(kept: Process) -> None:
    await kept.administration.carry_out(Erase(person=GRACE.person), AUDITOR)
    assert await seen(kept) == ["welcome", "erased", "erased", "indeed"]


@pytest.mark.parametrize("what", ["room", "person"])
async def test_what_is_held_is_not_over(kept: Process, what: str) -> None:
    named = {"room": "general"} if what == "room" else {"person": GRACE.person}
    await kept.administration.carry_out(Hold(**named), AUDITOR)
    with pytest.raises(LegalHold):
        await kept.administration.carry_out(OVER, AUDITOR)
    assert await seen(kept) == ["welcome", "at dawn", "at noon", "indeed"]
    await kept.administration.carry_out(Release(**named), AUDITOR)
    assert (await kept.administration.carry_out(OVER, AUDITOR)).changed


async def test_that_time_does_not_take_what_is_held_is_no_refusal_to_anybody(kept: Process) -> None:
    refusals = Refusals(kept.mapper, kept.writer)
    kept.administration._refusals = refusals
    await kept.administration.carry_out(Hold(room="general"), AUDITOR)
    for command in (OVER, Erase(person=GRACE.person)):
        with pytest.raises(LegalHold):
            await kept.administration.carry_out(command, AUDITOR)
    assert [kind.command for kind in refusals._now] == ["Erase"]


async def test_the_days_follow_each_other(kept: Process, vault: SQLiteVault) -> None:
    await kept.administration.carry_out(OVER, AUDITOR)
    later = before(NEXT, -2)
    await kept.administration.carry_out(Expire(room="general", since=DAY, before=later), AUDITOR)
    [_, second] = await kept.log.read_room(PEOPLE, after=0, auditor=True)
    assert second.event and second.event.data == {"room": "general", "since": NEXT, "before": later}
    names = [day_key("general", DAY), day_key("general", NEXT)]
    assert await vault.read(names) == dict.fromkeys(names), "no key of a day that is over is ever made again"


async def test_a_decision_reads_no_more_however_many_days_have_ended(
    kept: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(1, 5):
        await kept.administration.carry_out(Expire(room="general", since=DAY, before=before(DAY, -days)), AUDITOR)
    opened: list[int] = []
    opening = kept.log.open

    async def counting(rows: Sequence[Recorded]) -> list[Fact]:
        opened.append(len(rows))
        return await opening(rows)

    monkeypatch.setattr(kept.log, "open", counting)
    standing = await kept.administration.standing(room_subject("general"))
    assert (standing.expired_before, opened) == (before(DAY, -4), [2])


async def test_what_a_message_says_instead_is_over_when_the_message_is(
    kept: Process, store: Store, clock: Clock
) -> None:
    clock.pass_days(5)
    await kept.handlers.handle(edit("two", "at one"), GRACE)
    await kept.handlers.handle(say("and on", "four"), GRACE)
    assert (await days_in(store))[-2:] == [DAY, before(DAY, -5)]
    await kept.administration.carry_out(OVER, AUDITOR)
    assert await seen(kept, "message.edited", auditor=True) == ["erased"]
    assert await seen(kept, auditor=True) == ["welcome", "at dawn", "erased", "erased", "and on"]


async def test_of_an_older_message_it_is_over_with_the_first_day_that_has_a_key(kept: Process, store: Store) -> None:
    await kept.handlers.handle(edit("one", "at sunrise"), GRACE)
    assert (await days_in(store))[-1] == DAY
    await kept.administration.carry_out(OVER, AUDITOR)
    assert await seen(kept, "message.edited", auditor=True) == ["erased"]


@pytest.mark.parametrize(("said", "text"), [("one", "at dawn"), ("two", "at noon")])
async def test_what_is_over_cannot_be_changed_nor_said_again(kept: Process, said: str, text: str) -> None:
    await kept.administration.carry_out(OVER, AUDITOR)
    for command in (edit(said, "something else"), say(text, said)):
        with pytest.raises(Gone):
            await kept.handlers.handle(command, GRACE)
    assert await seen(kept, "message.edited", auditor=True) == []


async def test_nobody_speaks_on_a_day_that_is_over(kept: Process, clock: Clock) -> None:
    """One server's clock is wrong by more than what the room keeps."""
    await kept.administration.carry_out(OVER, AUDITOR)
    with pytest.raises(Gone, match="keeps that day no more"):
        await kept.handlers.handle(say("what day is it", "four"), GRACE)
    clock.pass_days(1)
    assert (await kept.handlers.handle(say("what day is it", "four"), GRACE)).changed


async def test_a_room_may_keep_everything_again_and_then_not(kept: Process, store: Store, clock: Clock) -> None:
    await kept.handlers.handle(ChangeRoom(room="general", retain_days=0), HOPPER)
    await kept.handlers.handle(say("for ever", "four"), GRACE)
    clock.pass_days(3)
    await kept.handlers.handle(ChangeRoom(room="general", retain_days=30), HOPPER)
    await kept.handlers.handle(say("for a month", "five"), GRACE)
    assert (await days_in(store))[-4:] == [DAY, None, None, before(DAY, -3)]
    assert (await kept.administration.rules("general")).retained_since == DAY


async def test_keys_are_at_hand_together(kept: Process) -> None:
    keyring = kept.mapper.keyring
    await keyring.ensure("guest:new", "day:general:2030-01-01")
    assert keyring.holds("guest:new") and keyring.holds("day:general:2030-01-01")
