"""The write side's door, over a real store: what is recorded, refused, and recognised again."""

import asyncio

import pytest

from commands.clock import now_ms
from commands.errors import (
    Archived,
    Banned,
    Forbidden,
    IdempotencyMismatch,
    InvalidField,
    LabelReserved,
    NotFound,
    Overloaded,
    Refusal,
    RoomExists,
    Unauthenticated,
)
from commands.handlers import Handlers
from commands.identity import Caller, Reader
from commands.member import Ban, Unban
from commands.rules import ChangeRoom, OpenRoom
from commands.sealing import Mapper
from commands.store import Store, StoreBusy
from commands.subscription import Log
from commands.writer import Writer
from tests.commands.callers import ADA, GRACE, say


async def test_the_first_post_opens_the_room(handlers: Handlers, log: Log) -> None:
    receipt = await handlers.handle(say("hi", "one"), ADA)
    opened, posted = (fact.event for fact in await log.read_room("general", after=0))
    assert receipt.seq == 2
    assert opened is not None and opened.TOPIC == "room.opened" and opened.actor == "guest:ada"
    assert posted is not None and posted.data == {
        "message_id": receipt.message_id,
        "message": "hi",
        "handle": "ada",
        "reply_to": None,
        "client_msg_id": "one",
    }
    assert (posted.request_id, posted.address, posted.client) == ("r-ada", "192.0.2.1", "test")


async def test_nothing_personal_is_stored_in_the_clear(handlers: Handlers, store: Store) -> None:
    await handlers.handle(say("my secret words"), ADA)
    stored = b"".join(row.state for row in await store.read_all(after=0))
    for personal in (b"my secret words", b"192.0.2.1", b'"ada"'):
        assert personal not in stored


@pytest.mark.parametrize(
    "text", ["  spaced\t\n", "e\u0301 é", "مرحبا שלום", "👩‍👩‍👧‍👦\u202e", "x" * 10_000, "\u0001\x7f"]
)
async def test_text_is_kept_byte_for_byte(handlers: Handlers, log: Log, text: str) -> None:
    receipt = await handlers.handle(say(text), ADA)
    (fact,) = await log.read_room("general", after=receipt.seq - 1)
    assert fact.event is not None and fact.event.data["message"] == text


@pytest.mark.parametrize("text", ["", "   ", "a\0b", "\ud800", "x" * 10_001])
async def test_text_that_cannot_be_kept_is_refused(handlers: Handlers, store: Store, text: str) -> None:
    with pytest.raises(InvalidField):
        await handlers.handle(say(text), ADA)
    assert await store.last_position() == 0


async def test_a_retry_gets_the_first_answer(handlers: Handlers, elsewhere: Handlers, store: Store) -> None:
    first = await handlers.handle(say("hi", "one"), ADA)
    for door in (handlers, elsewhere):
        again = await door.handle(say("hi", "one", handle="another"), ADA)
        assert again.duplicate
        assert (again.seq, again.position, again.message_id) == (first.seq, first.position, first.message_id)
    assert await store.head("general") == 2


async def test_another_body_under_the_same_id_is_refused(handlers: Handlers, elsewhere: Handlers) -> None:
    await handlers.handle(say("hi", "one"), ADA)
    for door in (handlers, elsewhere):
        with pytest.raises(IdempotencyMismatch):
            await door.handle(say("ho", "one"), ADA)


async def test_the_same_id_from_another_person_is_another_message(handlers: Handlers) -> None:
    ada, grace = await handlers.handle(say("hi", "one"), ADA), await handlers.handle(say("hi", "one"), GRACE)
    assert ada.message_id != grace.message_id


async def test_many_sends_of_one_id_make_one_event(handlers: Handlers, elsewhere: Handlers, store: Store) -> None:
    sends = [door.handle(say("hi", "one"), ADA) for _ in range(50) for door in (handlers, elsewhere)]
    receipts = await asyncio.gather(*sends)
    assert len({(receipt.seq, receipt.position) for receipt in receipts}) == 1
    assert sum(not receipt.duplicate for receipt in receipts) == 1
    assert await store.head("general") == 2


async def test_posts_accepted_one_after_the_other_keep_their_order(handlers: Handlers, log: Log) -> None:
    waiting = [await handlers.accept(say(f"line {i}"), ADA) for i in range(100)]
    await asyncio.gather(*waiting)
    said = [fact.event.data["message"] for fact in await log.read_room("general", after=1) if fact.event]
    assert said == [f"line {i}" for i in range(100)]


async def test_a_reply_needs_something_to_reply_to(handlers: Handlers) -> None:
    first = await handlers.handle(say("hi"), ADA)
    assert first.message_id is not None
    assert (await handlers.handle(say("ho", reply_to=first.message_id), GRACE)).seq == first.seq + 1
    with pytest.raises(InvalidField):
        await handlers.handle(say("ho", reply_to="0" * 32), GRACE)


async def test_a_banned_person_cannot_post_even_in_the_same_commit(handlers: Handlers, elsewhere: Handlers) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    await elsewhere.handle(say("still welcome"), GRACE)
    ban = await handlers.accept(Ban(room="general", person="guest:grace", reason="spam"), ADA)
    post = await elsewhere.accept(say("too late"), GRACE)
    await ban
    with pytest.raises(Banned):
        await post


async def test_a_ban_can_end_and_be_lifted(handlers: Handlers) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    with pytest.raises(InvalidField):
        await handlers.handle(Ban(room="general", person="guest:grace", until=now_ms() - 1), ADA)
    await handlers.handle(Ban(room="general", person="guest:grace"), ADA)
    with pytest.raises(Banned):
        await handlers.admit("general", GRACE)
    again = await handlers.handle(Ban(room="general", person="guest:grace"), ADA)
    assert (again.changed, again.seq) == (False, 2)
    await handlers.handle(Unban(room="general", person="guest:grace"), ADA)
    assert (await handlers.handle(say("thanks"), GRACE)).seq == 4


async def test_what_another_process_undid_is_done_again(handlers: Handlers, elsewhere: Handlers) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    ban, lift = Ban(room="general", person="guest:grace"), Unban(room="general", person="guest:grace")
    here, there = ChangeRoom(room="general", title="Here"), ChangeRoom(room="general", title="There")
    for door, command in ((handlers, ban), (elsewhere, lift), (handlers, here), (elsewhere, there)):
        await door.handle(command, ADA)
    for command in (ban, here):
        assert (await handlers.handle(command, ADA)).changed
    with pytest.raises(Banned):
        await elsewhere.admit("general", GRACE)
    assert (await elsewhere.handle(here, ADA)).changed is False


async def test_only_the_owner_moderates_and_changes_a_room(handlers: Handlers) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    for command in (Ban(room="general", person="guest:ada"), ChangeRoom(room="general", title="Mine")):
        with pytest.raises(Forbidden):
            await handlers.handle(command, GRACE)


async def test_an_archived_room_takes_nothing_more_not_even_from_who_remembers_otherwise(
    handlers: Handlers, elsewhere: Handlers
) -> None:
    await handlers.handle(say("hi", "one"), ADA)
    await elsewhere.handle(say("hello"), GRACE)
    await handlers.handle(ChangeRoom(room="general", archived=True), ADA)
    for door in (handlers, elsewhere):
        with pytest.raises(Archived):
            await door.handle(say("more"), GRACE)
    assert (await elsewhere.handle(say("hi", "one"), ADA)).duplicate


async def test_opening_twice_is_refused_and_changing_to_the_same_changes_nothing(handlers: Handlers) -> None:
    await handlers.handle(OpenRoom(room="garden", title="The garden"), ADA)
    with pytest.raises(RoomExists):
        await handlers.handle(OpenRoom(room="garden"), GRACE)
    receipt = await handlers.handle(ChangeRoom(room="garden", title="The garden"), ADA)
    assert (receipt.changed, receipt.seq) == (False, 1)


@pytest.mark.parametrize("label", ["", "a b", "é", "x" * 51, "a/b", "a\n"])
async def test_a_label_outside_the_rule_is_refused(handlers: Handlers, label: str) -> None:
    with pytest.raises(InvalidField):
        await handlers.handle(say("hi", room=label), ADA)
    with pytest.raises(NotFound):
        await handlers.rules(label, Reader(ADA.person))


@pytest.mark.parametrize("label", ["api", "chat", "New", "health"])
async def test_reserved_labels_are_refused(handlers: Handlers, label: str) -> None:
    with pytest.raises(LabelReserved):
        await handlers.handle(OpenRoom(room=label), ADA)


async def test_a_private_room_is_not_there_for_others(handlers: Handlers, elsewhere: Handlers) -> None:
    await handlers.handle(OpenRoom(room="garden", visibility="private"), ADA)
    assert (await handlers.rules("garden", Reader(ADA.person))).owner == ADA.person
    for door in (handlers, elsewhere):
        for refused in (
            door.rules("garden", Reader(GRACE.person)),
            door.rules("garden", Reader()),
            door.find_or_open("garden", GRACE),
        ):
            with pytest.raises(NotFound):
                await refused
        with pytest.raises(NotFound):
            await door.handle(say("hello?", room="garden"), GRACE)


async def test_without_autocreate_rooms_must_be_opened_first(store: Store, mapper: Mapper, writer: Writer) -> None:
    handlers = Handlers(store, mapper, writer, autocreate=False)
    with pytest.raises(NotFound):
        await handlers.handle(say("hi"), ADA)
    with pytest.raises(NotFound):
        await handlers.find_or_open("general", ADA)
    await handlers.handle(OpenRoom(room="general"), ADA)
    assert (await handlers.handle(say("hi"), ADA)).seq == 2


async def test_entering_opens_a_room_once(handlers: Handlers, store: Store) -> None:
    entered = await asyncio.gather(*(handlers.find_or_open("general", caller) for caller in (ADA, GRACE, ADA)))
    assert {standing.seq for standing in entered} == {1}
    assert await store.head("general") == 1


@pytest.mark.parametrize("guests", ["read", "off"])
async def test_guests_may_be_kept_from_writing(store: Store, mapper: Mapper, writer: Writer, guests: str) -> None:
    handlers = Handlers(store, mapper, writer, guests=guests)  # type: ignore[arg-type]  # one of the setting's words
    with pytest.raises(Unauthenticated):
        await handlers.handle(say("hi"), ADA)


async def test_a_refusal_reads_the_store_but_a_post_from_memory_does_not(
    handlers: Handlers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await handlers.handle(say("first"), ADA)
    reads: list[str] = []
    original = store.read_subjects

    async def counting(stream: str, subjects: list[str], *, ends_of: list[str]) -> object:
        reads.append(stream)
        return await original(stream, subjects, ends_of=ends_of)

    monkeypatch.setattr(store, "read_subjects", counting)
    await handlers.handle(say("second"), ADA)
    assert reads == []
    with pytest.raises(Refusal):
        await handlers.handle(ChangeRoom(room="general", title="x"), GRACE)
    assert reads == ["general"]


async def test_many_first_posts_into_one_room_need_few_commits(store: Store, mapper: Mapper) -> None:
    batches: list[int] = []
    writer = Writer(store, lambda recorded: batches.append(len(recorded)))
    writer.start()
    handlers = Handlers(store, mapper, writer, limits=False)
    crowd = [Caller(person=f"guest:{i}", handle=f"u{i}", request_id="r") for i in range(100)]
    for caller in crowd:
        await mapper.keyring.ensure(caller.person)
    await asyncio.gather(*(handlers.handle(say("hello"), caller) for caller in crowd))
    await writer.close()
    assert sum(batches) == await store.head("general") == 101
    assert len(batches) < 50


async def test_a_store_that_is_only_busy_refuses_one_and_nobody_else(
    handlers: Handlers, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> None:
        raise StoreBusy("no connection became free")

    await handlers.handle(say("hi"), ADA)
    with monkeypatch.context() as patch:
        patch.setattr(store, "read_subjects", busy)
        with pytest.raises(Overloaded) as refusal:
            await handlers.handle(say("hello"), GRACE)
        assert refusal.value.retryable and refusal.value.retry_after_ms == 1000
        assert (await handlers.handle(say("again"), ADA)).seq == 3
    assert (await handlers.handle(say("hello"), GRACE)).seq == 4
