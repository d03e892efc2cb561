"""Messages that change, through the write side's door, in two processes over a real store."""

import asyncio

import pytest

from commands import reaction
from commands.amending import EditMessage, RedactMessage
from commands.errors import Archived, Banned, Forbidden, NotFound, RateLimited, Redacted, Unauthenticated
from commands.handlers import Command, Handlers, Receipt
from commands.identity import Caller
from commands.member import Ban, Unban
from commands.reaction import React, Unreact
from commands.rules import ChangeRoom
from commands.sealing import Mapper
from commands.store import Recorded, Store
from commands.subscription import Log
from commands.writer import Writer
from tests.commands.callers import ADA, GRACE, say


@pytest.fixture
async def posted(handlers: Handlers) -> Receipt:
    """What grace said first, in ada's room; the room opened with it."""
    await handlers.handle(say("welcome"), ADA)
    return await handlers.handle(say("helo", "one"), GRACE)


def edit(posted: Receipt, text: str) -> EditMessage:
    return EditMessage(room="general", message_id=posted.message_id or "", message=text)


def redact(posted: Receipt) -> RedactMessage:
    return RedactMessage(room="general", message_id=posted.message_id or "")


def react(posted: Receipt, emoji: str = "🫖") -> React:
    return React(room="general", message_id=posted.message_id or "", emoji=emoji)


def unreact(posted: Receipt, emoji: str = "🫖") -> Unreact:
    return Unreact(room="general", message_id=posted.message_id or "", emoji=emoji)


def everything(posted: Receipt) -> list[Command]:
    return [edit(posted, "hello"), redact(posted), react(posted), unreact(posted)]


async def test_every_change_is_an_event_of_its_room(handlers: Handlers, log: Log, posted: Receipt) -> None:
    for command in (edit(posted, "hello"), react(posted), unreact(posted), redact(posted)):
        receipt = await handlers.handle(command, GRACE)
        assert receipt.changed
    facts = await log.read_room("general", after=posted.seq)
    topics = ["message.edited", "reaction.added", "reaction.removed", "message.redacted"]
    assert [fact.recorded.topic for fact in facts] == topics
    assert (facts[-1].recorded.seq, facts[-1].recorded.position) == (receipt.seq, receipt.position)


async def test_what_changes_nothing_says_where_its_subject_stands(
    handlers: Handlers, elsewhere: Handlers, posted: Receipt
) -> None:
    async def unchanged(command: Command) -> tuple[int, int]:
        receipt = await elsewhere.handle(command, GRACE)
        assert not receipt.changed
        return receipt.seq, receipt.position

    assert await unchanged(unreact(posted)) == await unchanged(edit(posted, "helo")) == (posted.seq, posted.position)
    reacted = await handlers.handle(react(posted), GRACE)
    edited = await handlers.handle(edit(posted, "hello"), GRACE)
    await handlers.handle(ChangeRoom(room="general", title="All"), ADA)
    assert await unchanged(react(posted)) == (reacted.seq, reacted.position)
    assert await unchanged(edit(posted, "hello")) == (edited.seq, edited.position)
    redacted = await handlers.handle(redact(posted), ADA)
    assert await unchanged(redact(posted)) == (redacted.seq, redacted.position)


async def test_a_decision_reads_as_much_of_a_message_however_often_it_was_edited(
    handlers: Handlers, elsewhere: Handlers, store: Store, posted: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    original = store.read_subjects

    async def counting(stream: str, subjects: list[str], *, ends_of: list[str]) -> list[Recorded]:
        rows = await original(stream, subjects, ends_of=ends_of)
        read.append(len(rows))
        return rows

    for n in range(30):
        await handlers.handle(edit(posted, f"hello {n}"), GRACE)
    monkeypatch.setattr(store, "read_subjects", counting)
    for command in (edit(posted, "hello"), react(posted), say("helo", "one"), redact(posted), redact(posted)):
        await elsewhere.handle(command, GRACE)
    assert max(read) == len(["rules", "first", "last"])


async def test_a_decision_reads_only_so_many_changes_of_mind(
    handlers: Handlers, store: Store, posted: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaction, "MAX_CHANGES", 6)
    for _ in range(3):
        await handlers.handle(react(posted), GRACE)
        await handlers.handle(unreact(posted), GRACE)
    for _ in range(2):
        with pytest.raises(Forbidden, match="too often"):
            await handlers.handle(react(posted), GRACE)
    assert len(await store.read_about("general", f"reaction:{posted.message_id}:guest:grace")) == 6
    assert (await handlers.handle(react(posted), ADA)).changed


async def test_a_retried_post_gets_its_first_answer_also_after_edits(
    handlers: Handlers, elsewhere: Handlers, posted: Receipt
) -> None:
    for change in (edit(posted, "hello"), redact(posted)):
        await elsewhere.handle(change, GRACE)
        again = await handlers.handle(say("helo", "one"), GRACE)
        assert (again.duplicate, again.seq, again.message_id) == (True, posted.seq, posted.message_id)


async def test_two_processes_cannot_contradict_each_other(
    handlers: Handlers, elsewhere: Handlers, log: Log, posted: Receipt
) -> None:
    for _ in range(10):
        edits = [elsewhere.handle(edit(posted, f"hello {n}"), GRACE) for n in range(3)]
        reactions = [handlers.handle(react(posted, emoji), GRACE) for emoji in "abc"]
        asked = [*edits, handlers.handle(redact(posted), ADA), *reactions]
        await asyncio.gather(*asked, return_exceptions=True)
        facts = await log.read_room("general", after=posted.seq)
        assert [fact.recorded.topic for fact in facts][-1] == "message.redacted"
        posted = await handlers.handle(say("again"), GRACE)


async def test_many_equal_reactions_at_once_count_once(
    handlers: Handlers, elsewhere: Handlers, store: Store, posted: Receipt
) -> None:
    asked = [door.handle(react(posted), ADA) for _ in range(20) for door in (handlers, elsewhere)]
    receipts = await asyncio.gather(*asked)
    assert sum(receipt.changed for receipt in receipts) == 1
    assert len({receipt.seq for receipt in receipts}) == 1
    assert await store.head("general") == posted.seq + 1


async def test_what_one_person_asks_in_turn_is_decided_in_turn(handlers: Handlers, log: Log, posted: Receipt) -> None:
    texts = ["b", "helo", "b", "b", "c", "helo"]
    accepted = [await handlers.accept(edit(posted, text), GRACE) for text in texts]
    assert [receipt.changed for receipt in await asyncio.gather(*accepted)] == [True, True, True, False, True, True]
    facts = await log.read_room("general", after=posted.seq)
    assert [fact.event.data["message"] for fact in facts if fact.event] == ["b", "helo", "b", "c", "helo"]


async def test_a_ban_holds_for_changes_even_in_the_same_commit(
    handlers: Handlers, elsewhere: Handlers, posted: Receipt
) -> None:
    await elsewhere.handle(edit(posted, "hello"), GRACE)
    ban = await handlers.accept(Ban(room="general", person="guest:grace"), ADA)
    with pytest.raises(Banned):
        await elsewhere.handle(edit(posted, "too late"), GRACE)
    await ban
    for command in everything(posted):
        with pytest.raises(Banned):
            await elsewhere.handle(command, GRACE)
    await handlers.handle(Unban(room="general", person="guest:grace"), ADA)
    assert (await elsewhere.handle(redact(posted), GRACE)).changed


async def test_nobody_changes_what_is_not_theirs_not_there_or_closed(
    handlers: Handlers, elsewhere: Handlers, posted: Receipt
) -> None:
    other = Caller(person="guest:linus", handle="linus", request_id="r")
    for theirs in (edit(posted, "mine"), redact(posted)):
        with pytest.raises(Forbidden):
            await handlers.handle(theirs, other)
    for room in ("general", "nowhere"):
        with pytest.raises(NotFound):
            await handlers.handle(RedactMessage(room=room, message_id="0" * 32), ADA)
    await handlers.handle(redact(posted), ADA)
    for refused in (edit(posted, "hello"), react(posted), unreact(posted)):
        with pytest.raises(Redacted):
            await elsewhere.handle(refused, GRACE)
    await handlers.handle(ChangeRoom(room="general", archived=True), ADA)
    for command in everything(posted):
        with pytest.raises(Archived):
            await elsewhere.handle(command, GRACE)


async def test_changes_are_held_to_the_rate_of_posts(
    store: Store, mapper: Mapper, writer: Writer, posted: Receipt
) -> None:
    limited = Handlers(store, mapper, writer)
    edits = [limited.handle(edit(posted, f"hello {n}"), GRACE) for n in range(30)]
    outcomes = await asyncio.gather(*edits, return_exceptions=True)
    assert any(isinstance(outcome, RateLimited) for outcome in outcomes)
    reading = Handlers(store, mapper, writer, guests="read")
    for command in everything(posted):
        with pytest.raises(Unauthenticated):
            await reading.handle(command, GRACE)


async def test_what_is_personal_in_a_change_is_not_stored_in_the_clear(
    handlers: Handlers, store: Store, posted: Receipt
) -> None:
    await handlers.handle(edit(posted, "my secret words"), GRACE)
    await handlers.handle(
        RedactMessage(room="general", message_id=posted.message_id or "", reason="my secret reason"), ADA
    )
    stored = b"".join(row.state for row in await store.read_all(after=0))
    assert b"secret" not in stored


async def test_readers_of_a_room_get_stubs_for_what_was_redacted(handlers: Handlers, log: Log, posted: Receipt) -> None:
    await handlers.handle(edit(posted, "hello"), GRACE)
    await handlers.handle(react(posted), ADA)
    other = await handlers.handle(say("still here"), ADA)
    await handlers.handle(redact(posted), GRACE)
    stubs = ["", "", "redacted", "redacted", "", "", ""]
    assert [fact.stub for fact in await log.read_room("general", after=0)] == stubs
    for seq, stub in enumerate(stubs, 1):
        [fact] = await log.read_room("general", after=seq - 1, limit=1)
        assert fact.stub == stub
    assert {fact.stub for fact in await log.read_all(after=0, limit=100)} == {""}
    assert stubs[other.seq - 1] == ""


async def test_reading_a_room_looks_once_for_what_was_redacted(
    handlers: Handlers, log: Log, store: Store, posted: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[set[str]] = []
    original = store.last_topics

    async def counting(stream: str, subjects: list[str]) -> dict[str, str]:
        looks.append(set(subjects))
        return await original(stream, subjects)

    monkeypatch.setattr(store, "last_topics", counting)
    for n in range(10):
        await handlers.handle(edit(posted, f"hello {n}"), GRACE)
    await log.read_room("general", after=posted.seq - 1)
    assert looks == [{f"message:{posted.message_id}"}]
    await log.read_room("general", after=0, limit=1)
    assert len(looks) == 1
