"""What is personal is stored sealed, opens where it belongs and nowhere else, and goes with its key."""

import json
from base64 import b64decode, b64encode

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given as example
from hypothesis import strategies as st

from commands import keyring
from commands.events import MemberBanned, MessagePosted
from commands.keyring import Erased, Keyring
from commands.sealing import Fact
from commands.store import NewEvent, Recorded
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.commands.given import HELLO, OPENED, by
from tests.commands.vault import MASTER_KEY, MemoryVault, mapper

SECRET = MessagePosted(
    **by(GRACE) | {"address": "192.0.2.7", "client": "curl"}, message_id="0" * 32, message="at dawn", handle="grace"
)


def recorded(sealed: NewEvent, stream: str = GENERAL, seq: int = 1) -> Recorded:
    return Recorded(seq + 100, stream, seq, sealed.topic, sealed.subject, sealed.state)


async def seal(vault: MemoryVault, *events: MessagePosted | MemberBanned) -> list[Recorded]:
    sealer = mapper(vault)
    for event in events:
        await sealer.keyring.ensure(event.actor)
    return [recorded(sealer.seal(GENERAL, event), seq=seq) for seq, event in enumerate(events, 1)]


async def open_one(vault: MemoryVault, row: Recorded) -> Fact:
    [fact] = await mapper(vault).open([row])
    return fact


async def test_what_was_sealed_opens_in_another_process() -> None:
    vault = MemoryVault()
    rows = await seal(vault, SECRET, HELLO)
    assert [fact.event for fact in await mapper(vault).open(rows)] == [SECRET, HELLO]


async def test_nothing_personal_can_be_read_in_the_stored_bytes() -> None:
    [row] = await seal(MemoryVault(), SECRET)
    fields = json.loads(row.state)
    assert set(fields) == {
        "actor", "occurred_at", "request_id", "message_id", "reply_to", "client_msg_id", "sealed"
    }  # fmt: skip
    for personal in (b"at dawn", b'"grace"', b"192.0.2.7", b"curl"):
        assert personal not in row.state
        assert personal not in b64decode(fields["sealed"])


async def test_the_same_text_never_looks_the_same() -> None:
    first, second = await seal(MemoryVault(), SECRET, SECRET)
    assert first.state != second.state


async def test_a_sealed_text_moved_to_another_room_or_message_does_not_open() -> None:
    vault = MemoryVault()
    [row] = await seal(vault, SECRET)
    assert (await open_one(vault, row._replace(stream=GARDEN))).stub == "broken"
    assert (await open_one(vault, row._replace(subject="message:" + "1" * 32))).stub == "broken"


async def test_a_sealed_text_moved_to_another_person_does_not_open() -> None:
    vault = MemoryVault()
    row, other = await seal(vault, SECRET, HELLO.__class__(**by(ADA), message_id="0" * 32, message="no", handle="ada"))
    stolen = json.loads(other.state) | {"sealed": json.loads(row.state)["sealed"]}
    moved = await open_one(vault, other._replace(state=json.dumps(stolen).encode()))
    assert (moved.stub, moved.event) == ("broken", None)


async def test_a_changed_byte_is_noticed_and_harms_no_other_event() -> None:
    vault = MemoryVault()
    row, other = await seal(vault, SECRET, HELLO)
    fields = json.loads(row.state)
    sealed = bytearray(b64decode(fields["sealed"]))
    sealed[-1] ^= 1
    row = row._replace(state=json.dumps(fields | {"sealed": b64encode(sealed).decode()}).encode())
    facts = await mapper(vault).open([row, other])
    assert [(fact.stub, fact.event) for fact in facts] == [("broken", None), ("", HELLO)]


@pytest.mark.parametrize(
    "state",
    [b"", b"{", b"[]", b"null", b"{}", b'{"actor":1}', b'{"actor":"\xff"}', b'{"actor":"guest:grace","sealed":"?"}'],
)
async def test_what_is_no_event_is_broken(state: bytes) -> None:
    vault = MemoryVault()
    [row] = await seal(vault, SECRET)
    assert (await open_one(vault, row._replace(state=state))).stub == "broken"


async def test_an_unknown_topic_is_broken() -> None:
    vault = MemoryVault()
    [row] = await seal(vault, SECRET)
    assert (await open_one(vault, row._replace(topic="message.sung"))).stub == "broken"


async def test_who_is_erased_leaves_an_event_without_what_was_personal() -> None:
    vault = MemoryVault()
    rows = await seal(vault, SECRET, MemberBanned(**by(GRACE), person=ADA, reason="spam"), HELLO)
    vault.keys[GRACE] = None
    facts = await mapper(vault).open(rows)
    assert [fact.stub for fact in facts] == ["erased"] * 3
    assert facts[0].event == MessagePosted(**by(GRACE), message_id="0" * 32, message="", handle="")
    assert facts[1].event == MemberBanned(**by(GRACE), person=ADA)


async def test_who_was_erased_never_gets_a_key_again() -> None:
    vault = MemoryVault({GRACE: None})
    with pytest.raises(Erased):
        await mapper(vault).keyring.ensure(GRACE)
    assert vault.keys == {GRACE: None}


async def test_erasing_reaches_the_cache() -> None:
    keyring = mapper(MemoryVault()).keyring
    await keyring.ensure(GRACE)
    keyring.forget(GRACE)
    with pytest.raises(Erased):
        keyring.cipher(GRACE)


async def test_two_processes_that_make_a_key_at_once_use_the_same() -> None:
    vault = MemoryVault()
    one, other = mapper(vault), mapper(vault)
    await one.keyring.load([GRACE])
    await other.keyring.load([GRACE])
    await other.keyring.ensure(GRACE)
    await one.keyring.ensure(GRACE)
    facts = await other.open([recorded(one.seal(GENERAL, HELLO))])
    assert facts[0].event == HELLO


async def test_keys_are_wrapped_by_the_master_key_for_their_person() -> None:
    vault = MemoryVault()
    [row] = await seal(vault, SECRET)
    with pytest.raises(InvalidTag):
        await Keyring(vault, bytes(32)).load([GRACE])
    moved = MemoryVault({ADA: vault.keys[GRACE]})
    with pytest.raises(InvalidTag):
        await Keyring(moved, MASTER_KEY).load([ADA])
    assert (await open_one(vault, row)).event == SECRET


async def test_keys_are_read_once_for_many_events() -> None:
    vault = MemoryVault()
    rows = await seal(vault, SECRET, HELLO)
    vault.reads = 0
    opening = mapper(vault)
    await opening.open(rows * 50)
    await opening.open(rows)
    assert vault.reads == 1


async def test_events_of_more_people_than_are_remembered_open_together(monkeypatch: pytest.MonkeyPatch) -> None:
    vault = MemoryVault()
    rows = await seal(
        vault, *(MessagePosted(**by(f"guest:{i}"), message_id="0" * 32, message="hi", handle="x") for i in range(9))
    )
    monkeypatch.setattr(keyring, "MAX_CACHED_KEYS", 4)
    opening = mapper(vault)
    for window in (rows[:4], rows[3:5], rows):
        assert [fact.stub for fact in await opening.open(window)] == [""] * len(window)


@example(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
async def test_any_text_comes_back_as_it_was(text: str) -> None:
    vault = MemoryVault()
    said = MessagePosted(**by(GRACE), message_id="0" * 32, message=text, handle="grace")
    [row] = await seal(vault, said)
    assert (await open_one(vault, row)).event == said


async def test_an_event_without_anything_personal_opens_too() -> None:
    vault = MemoryVault()
    sealer = mapper(vault)
    await sealer.keyring.ensure(ADA)
    assert (await open_one(vault, recorded(sealer.seal(GENERAL, OPENED)))).event == OPENED


async def test_what_a_process_sealed_itself_it_opens_without_its_bytes_but_not_elsewhere() -> None:
    vault = MemoryVault()
    sealer = mapper(vault)
    await sealer.keyring.ensure(GRACE)
    row = recorded(sealer.seal(GENERAL, SECRET))
    [kept] = await sealer.open([row])
    assert kept == await open_one(vault, row)
    [moved] = await sealer.open([row._replace(stream=GARDEN)])
    assert moved.stub == "broken"


async def test_what_a_process_sealed_itself_goes_with_the_key_too() -> None:
    vault = MemoryVault()
    sealer = mapper(vault)
    await sealer.keyring.ensure(GRACE)
    row = recorded(sealer.seal(GENERAL, SECRET))
    sealer.keyring.forget(GRACE)
    [fact] = await sealer.open([row])
    assert (fact.stub, fact.event and fact.event.data["message"]) == ("erased", "")
