"""Messages: who may post them, what they may hold, and which id a retry has."""

import time

import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from commands.errors import Archived, Banned, Gone, IdempotencyMismatch, InvalidField, NotFound
from commands.events import MemberBanned, MessagePosted, RoomChanged
from commands.message import MESSAGE_ID, PostMessage, check_same, derive_id, new_id
from tests.cast import ADA, GARDEN, GENERAL, GRACE, NOON
from tests.commands.given import HELLO, HELLO_ID, OPENED, PRIVATE, by, given

SAY_HELLO = PostMessage(room=GENERAL, message="hello", client_msg_id="hello-1", handle="grace")
UUID = "019ab3c4-5d6e-7f80-8a1b-2c3d4e5f6071"
ULID = "01KCSW8QBE0123456789ABCDEF"


def test_anybody_posts_in_a_public_room() -> None:
    given(OPENED).when(SAY_HELLO, by=GRACE).then(HELLO)


def test_only_its_owner_posts_in_a_private_room() -> None:
    given(PRIVATE).when(SAY_HELLO, by=GRACE).then_refused(NotFound)
    given().when(SAY_HELLO, by=GRACE).then_refused(NotFound)


def test_a_banned_person_cannot_post_until_the_ban_ends() -> None:
    banned = given(OPENED, MemberBanned(**by(ADA), person=GRACE, until=NOON + 10))
    banned.when(SAY_HELLO, by=GRACE, at=NOON + 9).then_refused(Banned)
    banned.when(SAY_HELLO, by=GRACE, at=NOON + 10).then(
        MessagePosted(
            **by(GRACE, NOON + 10), message_id=HELLO_ID, message="hello", handle="grace", client_msg_id="hello-1"
        )
    )


def test_nobody_posts_in_an_archived_room() -> None:
    given(OPENED, RoomChanged(**by(ADA), archived=True)).when(SAY_HELLO).then_refused(Archived)


def test_a_reply_needs_its_message() -> None:
    reply = PostMessage(room=GENERAL, message="hi", client_msg_id="r-1", reply_to=HELLO_ID, handle="ada")
    given(OPENED).when(reply).then_refused(InvalidField, "reply_to")
    given(OPENED, HELLO).when(reply).then(
        MessagePosted(
            **by(ADA),
            message_id=derive_id(GENERAL, ADA, "r-1"),
            message="hi",
            handle="ada",
            reply_to=HELLO_ID,
            client_msg_id="r-1",
        )
    )


@pytest.mark.parametrize(
    "text", ["x" * 10_000, "🫖" * 10_000, " padded ", "a\r\nb\tc", "\u202eabc", "é", "\x01\x7f", "<script>", "\ufffe"]
)
def test_text_is_kept_as_it_is(text: str) -> None:
    posted = PostMessage(room=GENERAL, message=text, client_msg_id="hello-1", handle="grace")
    given(OPENED).when(posted, by=GRACE).then(
        MessagePosted(**by(GRACE), message_id=HELLO_ID, message=text, handle="grace", client_msg_id="hello-1")
    )


@pytest.mark.parametrize("text", ["", " \n\t", "x" * 10_001, "a\0b", "\0", "\ud83e", "a\udfff"])
def test_nothing_too_much_nul_and_halves_of_characters_are_refused(text: str) -> None:
    given(OPENED).when(PostMessage(room=GENERAL, message=text)).then_refused(InvalidField, "message")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_msg_id", ""),
        ("client_msg_id", "x" * 65),
        ("client_msg_id", "a\0"),
        ("handle", ""),
        ("handle", "x" * 41),
        ("reply_to", "hello"),
        ("reply_to", HELLO_ID.upper() + "0"),
    ],
)
def test_a_bad_field_is_named(field: str, value: str) -> None:
    given(OPENED).when(PostMessage(room=GENERAL, message="hi", **{field: value})).then_refused(InvalidField, field)


def test_a_retry_must_say_the_same() -> None:
    state = given(OPENED, HELLO).message(HELLO_ID)
    assert (state.seq, state.posted, state.author) == (2, (2, 102), GRACE)
    check_same(state, SAY_HELLO)
    check_same(state, PostMessage(room=GENERAL, message="hello", handle="somebody else"))
    for other in (
        PostMessage(room=GENERAL, message="hello!"),
        PostMessage(room=GENERAL, message="hello", reply_to="0" * 32),
    ):
        with pytest.raises(IdempotencyMismatch):
            check_same(state, other)


def test_the_text_of_an_erased_person_cannot_be_compared() -> None:
    erased = MessagePosted(**by(GRACE), message_id=HELLO_ID, message="", handle="")
    with pytest.raises(Gone):
        check_same(given(OPENED, erased).message(HELLO_ID), SAY_HELLO)


@example(st.text(max_size=64))
def test_the_same_retry_has_the_same_id_in_every_process(client_msg_id: str) -> None:
    message_id = derive_id(GENERAL, GRACE, client_msg_id)
    assert MESSAGE_ID.fullmatch(message_id)
    assert message_id == derive_id(GENERAL, GRACE, client_msg_id)
    assert message_id not in (derive_id(GARDEN, GRACE, client_msg_id), derive_id(GENERAL, ADA, client_msg_id))


def test_ids_once_stored_never_change() -> None:
    assert derive_id(GENERAL, GRACE, "hello-1") == "9f8a949826e3473615326a8010132e0a"
    assert derive_id(GENERAL, GRACE, UUID) == "019ab3c45d6e5451ebc8289aef2cb7d1"
    assert derive_id(GENERAL, GRACE, ULID) == "019b33c45d6e681d417b5ecf4ae2469f"


def test_a_uuid7_lends_its_milliseconds_however_it_is_written() -> None:
    written = (UUID, UUID.upper(), UUID.replace("-", ""))
    assert {derive_id(GENERAL, GRACE, one)[:12] for one in written} == {"019ab3c45d6e"}


def test_a_ulid_lends_its_milliseconds() -> None:
    assert derive_id(GENERAL, GRACE, "01ARZ3NDEKTSV4RRFFQ69G5FAV")[:12] == f"{1469922850259:012x}"
    assert derive_id(GENERAL, GRACE, "01arz3ndektsv4rrffq69g5fav")[:12] == f"{1469922850259:012x}"


@pytest.mark.parametrize(
    "other",
    [
        "019ab3c4-5d6e-4f80-8a1b-2c3d4e5f6071",
        "81ARZ3NDEKTSV4RRFFQ69G5FAV",
        "01ARZ3NDE\N{KELVIN SIGN}TSV4RRFFQ69G5FAV",
        "42",
        UUID + "0",
    ],
)
def test_any_other_client_msg_id_gives_an_opaque_id(other: str) -> None:
    assert derive_id(GENERAL, GRACE, other)[:12] not in (other.replace("-", "")[:12], "019ab3c45d6e")


def test_an_id_of_the_server_begins_with_the_time_and_is_new_each_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    ids = [new_id() for _ in range(100)]
    assert len({one[12:] for one in ids}) == 100
    assert all(MESSAGE_ID.fullmatch(one) for one in ids)
    assert all(before_ms <= int(one[:12], 16) <= time.time_ns() // 1_000_000 for one in ids)
