"""Bans, and what people may be called."""

import pytest

from commands.errors import Banned, Forbidden, InvalidField, NotFound
from commands.events import MemberBanned, MemberUnbanned
from commands.member import Ban, Unban, check_handle, check_not_banned, default_handle
from tests.cast import ADA, GENERAL, GRACE, LINUS, NOON
from tests.commands.given import OPENED, PRIVATE, by, given

BANNED = MemberBanned(**by(ADA), person=GRACE)
UNBANNED = MemberUnbanned(**by(ADA), person=GRACE)
BAN_GRACE = Ban(room=GENERAL, person=GRACE)


def test_the_owner_bans_somebody() -> None:
    given(OPENED).when(Ban(room=GENERAL, person=GRACE, until=NOON + 1, reason="spam")).then(
        MemberBanned(**by(ADA), person=GRACE, until=NOON + 1, reason="spam")
    )


def test_banning_again_in_the_same_way_is_no_event() -> None:
    given(OPENED, BANNED).when(BAN_GRACE).then()
    given(OPENED, BANNED).when(Ban(room=GENERAL, person=GRACE, until=NOON + 1)).then(
        MemberBanned(**by(ADA), person=GRACE, until=NOON + 1)
    )


def test_lifting_a_ban() -> None:
    given(OPENED, BANNED).when(Unban(room=GENERAL, person=GRACE)).then(UNBANNED)
    given(OPENED).when(Unban(room=GENERAL, person=GRACE)).then()
    given(OPENED, BANNED, UNBANNED).when(BAN_GRACE).then(BANNED)


@pytest.mark.parametrize("command", [BAN_GRACE, Unban(room=GENERAL, person=GRACE)])
def test_only_the_owner_moderates(command: Ban | Unban) -> None:
    given(OPENED).when(command, by=LINUS).then_refused(Forbidden)
    given(PRIVATE).when(command, by=LINUS).then_refused(NotFound)


def test_the_owner_cannot_be_banned() -> None:
    given(OPENED).when(Ban(room=GENERAL, person=ADA)).then_refused(Forbidden)


@pytest.mark.parametrize("person", ["", "grace", "guest:", "robot:x", "guest:a b", "guest:" + "x" * 65, "guest:x\n"])
def test_a_person_has_a_kind_and_an_id(person: str) -> None:
    given(OPENED).when(Ban(room=GENERAL, person=person)).then_refused(InvalidField, "person")


def test_a_ban_ends_in_the_future_and_says_why_in_500_characters() -> None:
    given(OPENED).when(Ban(room=GENERAL, person=GRACE, until=NOON)).then_refused(InvalidField, "until")
    given(OPENED).when(Ban(room=GENERAL, person=GRACE, reason="x" * 501)).then_refused(InvalidField, "reason")
    given(OPENED).when(Ban(room=GENERAL, person=GRACE, reason="a\0")).then_refused(InvalidField, "reason")


def test_a_ban_holds_until_its_time() -> None:
    until = given(OPENED, MemberBanned(**by(ADA), person=GRACE, until=NOON)).membership(GRACE)
    with pytest.raises(Banned):
        check_not_banned(until, NOON - 1)
    check_not_banned(until, NOON)
    with pytest.raises(Banned):
        check_not_banned(given(OPENED, BANNED).membership(GRACE), NOON * 2)
    check_not_banned(given(OPENED, BANNED, UNBANNED).membership(GRACE), NOON)


@pytest.mark.parametrize("handle", ["a", "Ada Lovelace", "x" * 40, "علي", "お茶", "🫖", "O'Brien-Ñ"])
def test_a_handle_is_anything_that_can_be_seen(handle: str) -> None:
    check_handle(handle)


@pytest.mark.parametrize(
    "handle",
    ["", " ", "x" * 41, "a\0b", "\ud800", "a\tb", "a\nb", "a\u200bb", "\u202eada", "a\u2028b", "a\u2029b", "\ufeffada"],
)
def test_a_handle_hides_nothing(handle: str) -> None:
    with pytest.raises(InvalidField):
        check_handle(handle)


def test_a_guest_without_a_handle_is_called_by_their_id() -> None:
    assert default_handle("guest:0123456789abcdef") == "Guest-0123"
