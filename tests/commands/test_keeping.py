"""What is said in a room that keeps it for some days is sealed with the day's key, too, and is over with it."""

import json
from datetime import date

import pytest

from commands import attempt
from commands.days import before, begin_of, day_key, day_keys, day_of
from commands.erasing import Erase, Expire, Hold, Release
from commands.errors import LegalHold
from commands.people import EXPIRED, PEOPLE
from commands.rules import ChangeRoom
from commands.sqlite_vault import SQLiteVault
from commands.store import Store
from tests.cast import NOON
from tests.commands.callers import ADA, GRACE, say
from tests.commands.test_administration import AUDITOR, Everywhere, Process, other, process, rooms

__all__ = ["other", "process", "rooms"]

DAY = day_of(NOON)
NEXT = before(DAY, -1)
OVER = Expire(room="general", since=DAY, before=NEXT)


def test_days() -> None:
    assert (DAY, NEXT, before(DAY, 22)) == ("2026-11-22", "2026-11-23", "2026-10-31")
    assert day_of(begin_of(DAY)) == DAY and day_of(begin_of(DAY) - 1) == "2026-11-21"
    assert list(day_keys("general", "2026-12-31", "2027-01-02")) == [
        "day:general:2026-12-31", "day:general:2027-01-01",
    ]  # fmt: skip
    assert date.fromisoformat(DAY)


@pytest.fixture
async def kept(process: Process, monkeypatch: pytest.MonkeyPatch) -> Process:
    """A room that was opened without a word on keeping, and keeps what is said for a week from then on."""
    monkeypatch.setattr(attempt, "now_ms", lambda: NOON)
    await process.handlers.handle(ChangeRoom(room="general", retain_days=7), ADA)
    await process.handlers.handle(say("at noon", "two"), GRACE)
    await process.handlers.handle(say("indeed", "three"), ADA)
    return process


async def texts(process: Process, *, auditor: bool = False) -> list[str]:
    facts = await process.log.read_room("general", after=0, auditor=auditor)
    said = [fact for fact in facts if fact.recorded.topic == "message.posted"]
    return [str(fact.event.data["message"]) if fact.event and not fact.stub else fact.stub for fact in said]


async def test_it_opens_with_both_keys(kept: Process, store: Store, vault: SQLiteVault) -> None:
    assert await texts(kept) == ["welcome", "at dawn", "at noon", "indeed"]
    rows = await store.read_stream("general")
    assert [json.loads(row.state).get("day") for row in rows] == [None] * 4 + [DAY] * 2
    assert await texts(Process(store, vault, kept.writer, Everywhere())) == ["welcome", "at dawn", "at noon", "indeed"]


async def test_with_the_days_key_everybodys_words_of_that_day_go(kept: Process, other: Process, store: Store) -> None:
    assert (await kept.administration.carry_out(OVER, AUDITOR)).changed
    assert await texts(kept, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    await other.log.hear_of_people()
    assert await texts(other, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    assert [row.topic for row in await store.read_stream(PEOPLE)] == [EXPIRED]
    assert not (await kept.administration.carry_out(OVER, AUDITOR)).changed


async def test_what_was_sealed_before_is_hidden_from_readers_alone(kept: Process) -> None:
    """Its key is its author's: destroying it would erase them."""
    await kept.administration.carry_out(Expire(room="general", since=DAY, before="9999-01-01"), AUDITOR)
    assert await texts(kept) == ["erased"] * 4
    assert await texts(kept, auditor=True) == ["welcome", "at dawn", "erased", "erased"]
    revisions = await kept.log.revisions("general", (await kept.log.read_room("general", after=1))[0].recorded.subject[8:])
    assert revisions and revisions.versions[0][0].stub == "erased"


async def test_with_a_persons_key_theirs_of_every_day_go(kept: Process) -> None:
    await kept.administration.carry_out(Erase(person=GRACE.person), AUDITOR)
    assert await texts(kept) == ["welcome", "erased", "erased", "indeed"]


@pytest.mark.parametrize("what", ["room", "person"])
async def test_what_is_held_is_not_over(kept: Process, what: str) -> None:
    named = {"room": "general"} if what == "room" else {"person": GRACE.person}
    await kept.administration.carry_out(Hold(**named), AUDITOR)
    with pytest.raises(LegalHold):
        await kept.administration.carry_out(OVER, AUDITOR)
    assert await texts(kept) == ["welcome", "at dawn", "at noon", "indeed"]
    await kept.administration.carry_out(Release(**named), AUDITOR)
    assert (await kept.administration.carry_out(OVER, AUDITOR)).changed


async def test_the_days_follow_each_other(kept: Process, store: Store, vault: SQLiteVault) -> None:
    await kept.administration.carry_out(OVER, AUDITOR)
    later = before(NEXT, -2)
    await kept.administration.carry_out(Expire(room="general", since=DAY, before=later), AUDITOR)
    [_, second] = await kept.log.read_room(PEOPLE, after=0, auditor=True)
    assert second.event and second.event.data == {"room": "general", "since": NEXT, "before": later}
    names = [day_key("general", DAY), day_key("general", NEXT)]
    assert await vault.read(names) == dict.fromkeys(names), "no key of a day that is over is ever made again"
