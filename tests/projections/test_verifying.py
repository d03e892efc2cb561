"""Whatever somebody does to the log, the tree or the heads, it is found and named."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple

import pytest

from commands.message import PostMessage
from commands.treehead import Head, SignedHead, SigningKey
from projections import signing
from projections.findings import Finding
from projections.reading import reading
from projections.reporting import Report
from projections.verifying import Verifying
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, execute, forget, on_django
from tests.projections.tampering import Intruder, falsify_tile
from tests.projections.test_signing import KEY, sign

TRUSTED = (KEY.public_key,)


class Event(NamedTuple):
    room: str
    seq: int
    position: int


class Signed(NamedTuple):
    """300 signed events in two rooms, a head over the first 200 of them, and 5 that are not signed; one was alone."""

    deployment: Deployment
    intruder: Intruder
    events: Sequence[Event]
    free: int

    async def verify(self, *, trusted: Collection[bytes] = TRUSTED, published: Sequence[SignedHead] = ()) -> Report:
        read = reading()
        await read.open()
        try:
            return await Verifying(self.deployment.log, read, trusted, published=published).run()
        finally:
            await read.close()

    async def finding(self) -> Finding:
        """The only thing that is wrong."""
        report = await self.verify()
        assert not report.holds
        assert [each.kind for each in report.findings] == [report.findings[0].kind], report.findings
        return report.findings[0]


@pytest.fixture
async def signed(deployment: Deployment, database: str) -> Signed:
    intruder = Intruder(database)
    await talk(deployment, 100)
    (alone,) = await deployment.say(ADA, "alone", room="attic")
    intruder.execute("DELETE FROM stored_events WHERE {room} = 'attic'")
    free = alone.position
    await talk(deployment, 196 - 100)
    await sign(deployment)
    await talk(deployment, 100)
    await deployment.project()
    await sign(deployment)
    await talk(deployment, 5)
    rows = intruder.execute("SELECT {room}, {seq}, {position} FROM stored_events ORDER BY {position}")
    events = [Event(*row) for row in rows]
    assert execute("SELECT tree_size FROM tree_head ORDER BY 1") == [(198,), (298,)]
    return Signed(deployment, intruder, events, free)


async def talk(deployment: Deployment, count: int) -> None:
    posts = [PostMessage(room=(GENERAL, GARDEN)[i % 2], message=f"line {i}") for i in range(count)]
    for post in posts[:2]:
        await deployment.do(ADA, post)
    await asyncio.gather(*(deployment.do((ADA, GRACE)[i % 3 % 2], post) for i, post in enumerate(posts[2:])))


async def test_what_nobody_touched_holds(signed: Signed) -> None:
    report = await signed.verify()
    assert report.holds, report.findings
    assert (report.events, report.rooms, report.heads, report.signed, report.unsigned) == (303, 2, 2, 298, 5)
    assert report.last_head is not None and report.last_head.head.tree_size == 298


@pytest.mark.parametrize("number", [0, 100, 255, 256, 297])
async def test_one_changed_byte_is_named(signed: Signed, number: int) -> None:
    event = signed.events[number]
    signed.intruder.change_a_byte(event.position)
    found = await signed.finding()
    assert (found.kind, found.events) == ("changed", (event,))
    assert f"event {event.seq} of room {event.room} (position {event.position})" in found.says
    assert "signed at 2" in found.says


@pytest.mark.parametrize("number", [1, 150, 255, 256, 280])
async def test_one_deleted_event_is_named(signed: Signed, number: int) -> None:
    event = signed.events[number]
    signed.intruder.delete(event.position)
    found = await signed.finding()
    assert (found.kind, found.events) == ("removed", (event,))
    assert f"event number {number + 1} of the log was removed" in found.says
    assert f"event {event.seq} of room {event.room}" in found.says


async def test_the_last_event_of_a_room_is_missed_too(signed: Signed) -> None:
    signed.intruder.cut_off(signed.events[297].position)
    last = next(event for event in reversed(signed.events[:297]) if event.room != signed.events[297].room)
    signed.intruder.delete(last.position)
    found = await signed.finding()
    assert (found.kind, found.events) == ("removed", (last,))


@pytest.mark.parametrize(("one", "other"), [(10, 11), (20, 270), (100, 102)])
async def test_two_events_that_changed_places_are_named(signed: Signed, one: int, other: int) -> None:
    a, b = signed.events[one], signed.events[other]
    signed.intruder.swap(a.position, b.position)
    found = await signed.finding()
    assert found.kind == "swapped"
    assert set(found.events) == {b._replace(position=a.position), a._replace(position=b.position)}


async def test_two_events_that_say_what_the_other_said_are_named(signed: Signed) -> None:
    a, b = signed.events[10], signed.events[40]
    signed.intruder.swap_what_they_say(a.position, b.position)
    found = await signed.finding()
    assert (found.kind, found.events) == ("swapped", (a, b))


async def test_one_inserted_event_is_named(signed: Signed) -> None:
    before = max(event.seq for event in signed.events if event.room == GENERAL and event.position < signed.free)
    signed.intruder.insert(signed.free, "attic", 1)
    found = await signed.finding()
    assert (found.kind, found.events) == ("inserted", (("attic", 1, signed.free),))
    signed.intruder.delete(signed.free)
    signed.intruder.insert(signed.free, GENERAL, 10_000 + before)
    kinds = {each.kind for each in (await signed.verify()).findings}
    assert {"inserted", "seq_missing"} <= kinds


async def test_a_tail_that_was_cut_off_is_missed(signed: Signed) -> None:
    signed.intruder.cut_off(signed.events[289].position)
    found = await signed.finding()
    assert found.kind == "truncated"
    assert "events number 291 to 298 of the log were" in found.says
    assert len(found.events) == 8


async def test_it_is_missed_also_if_the_tree_was_cut_off_with_it(signed: Signed) -> None:
    signed.intruder.cut_off(signed.events[289].position)
    forget()
    await signed.deployment.project()
    found = await signed.finding()
    assert found.kind == "truncated"
    assert "covers 8 events more than there are" in found.says


async def test_and_if_the_heads_were_too_whoever_kept_one_knows(signed: Signed) -> None:
    published = on_django(signing.last)
    assert published is not None
    signed.intruder.cut_off(signed.events[289].position)
    execute("DELETE FROM tree_head WHERE tree_size > 250")
    forget()
    await signed.deployment.project()
    assert (await signed.verify()).holds
    report = await signed.verify(published=[published])
    assert [each.kind for each in report.findings] == ["truncated"]


@pytest.mark.parametrize(
    "forgery",
    [
        "UPDATE tree_head SET root_hash = substr(signature, 1, 32) WHERE tree_size = 198",
        "UPDATE tree_head SET signed_at = signed_at + 1 WHERE tree_size = 198",
        "UPDATE tree_head SET position = position + 1 WHERE tree_size = 198",
        "UPDATE tree_head SET tree_size = 199 WHERE tree_size = 198",
        "UPDATE tree_head SET tree_size = -5 WHERE tree_size = 198",
        "UPDATE tree_head SET tree_size = 1000000 WHERE tree_size = 198",
        "UPDATE tree_head SET public_key = substr(signature, 1, 32) WHERE tree_size = 198",
    ],
)
async def test_a_forged_head_is_named(signed: Signed, forgery: str) -> None:
    execute(forgery)
    found = await signed.finding()
    assert found.kind == "forged_head"
    assert "is not signed by a key that you trust" in found.says


async def test_a_head_that_another_key_signed_is_forged(signed: Signed) -> None:
    report = await signed.verify(trusted=(SigningKey(b"\1" * 32).public_key,))
    assert [each.kind for each in report.findings] == ["forged_head", "forged_head"]
    assert (await signed.verify(trusted=(SigningKey(b"\1" * 32).public_key, *TRUSTED))).holds


async def test_a_head_over_something_else_is_named_with_where_it_was(signed: Signed) -> None:
    """Whoever has the key, changes an event and hashes everything anew is found by the heads that there are."""
    event = signed.events[230]
    signed.intruder.change_a_byte(event.position)
    forget()
    await signed.deployment.project()
    found = await signed.finding()
    assert found.kind == "head_mismatch"
    assert "among the events number 199 to 298 of the log" in found.says


async def test_two_heads_of_one_size_that_differ_do_not_both_hold(signed: Signed) -> None:
    lie = KEY.sign(Head(250, signed.events[249].position, bytes(32), 1))
    report = await signed.verify(published=[lie])
    assert [each.kind for each in report.findings] == ["head_mismatch"]


@pytest.mark.parametrize(
    "damage",
    [
        partial(falsify_tile, 0, 0),
        partial(execute, "UPDATE proof_tile SET hashes = substr(hashes, 1, 32) WHERE level = 0 AND number = 0"),
        partial(execute, "UPDATE proof_tile SET first_position = 0 WHERE level = 0 AND number = 0"),
        partial(execute, "DELETE FROM proof_tile WHERE level = 0 AND number = 0"),
        partial(execute, "DELETE FROM proof_tile"),
        partial(execute, "UPDATE proof_size SET tree_size = 260"),
    ],
)
async def test_a_tree_that_was_changed_is_told_from_events_that_were(
    signed: Signed, damage: Callable[[], object]
) -> None:
    damage()
    found = await signed.finding()
    assert found.kind == "tree"
    assert "rebuild proof" in found.says


async def test_what_was_changed_before_it_was_signed_is_found_by_the_tree(signed: Signed) -> None:
    await signed.deployment.project()
    event = signed.events[300]
    signed.intruder.change_a_byte(event.position)
    found = await signed.finding()
    assert (found.kind, found.events) == ("changed", (event,))
    assert "no tree head that holds covers it" in found.says


async def test_a_seq_that_was_changed_leaves_a_gap(signed: Signed) -> None:
    event = signed.events[50]
    signed.intruder.execute("UPDATE stored_events SET {seq} = 99999 WHERE {position} = ?", event.position)
    findings = (await signed.verify()).findings
    assert [each.kind for each in findings] == ["changed", "seq_missing", "seq_missing"]
    assert findings[0].events == (event._replace(seq=99999),)
    assert f"event {event.seq} is missing" in findings[1].says


async def test_many_changes_are_counted(signed: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.reporting.MAX_NAMED", 5)
    signed.intruder.execute("UPDATE stored_events SET state = ?", b"{}")
    report = await signed.verify()
    assert (len(report.findings), report.unnamed) == (5, 293)


async def test_an_empty_log_holds(deployment: Deployment, database: str) -> None:
    report = await Signed(deployment, Intruder(database), [], 0).verify()
    assert report.holds and report.events == 0 and report.last_head is None
