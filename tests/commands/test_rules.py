"""Rooms are opened, changed and seen as the contract says."""

from typing import Any

import pytest

from commands.errors import Archived, Forbidden, InvalidField, LabelReserved, NotFound, RoomExists
from commands.events import RoomChanged, RoomOpened
from commands.rules import RESERVED, ChangeRoom, OpenRoom, may_see
from tests.cast import ADA, GENERAL, GRACE, NOON
from tests.commands.given import OPENED, PRIVATE, by, given

ARCHIVED = RoomChanged(**by(ADA), archived=True)


def test_whoever_opens_a_room_owns_it() -> None:
    given().when(OpenRoom(room=GENERAL), by=GRACE).then(RoomOpened(**by(GRACE), title=GENERAL, visibility="public"))


def test_a_room_has_the_title_and_visibility_that_were_asked_for() -> None:
    given().when(OpenRoom(room=GENERAL, title="Everybody", visibility="private")).then(
        RoomOpened(**by(ADA), title="Everybody", visibility="private")
    )


def test_a_room_is_opened_once() -> None:
    given(OPENED).when(OpenRoom(room=GENERAL), by=GRACE).then_refused(RoomExists)


@pytest.mark.parametrize("label", ["a", "Z-9_", "x" * 50])
def test_a_label_is_letters_digits_dashes_and_underscores(label: str) -> None:
    given().when(OpenRoom(room=label)).then(RoomOpened(**by(ADA), title=label, visibility="public"))


@pytest.mark.parametrize("label", ["", "x" * 51, "a b", "käse", "a/b", "a\n", "a\0", "٣"])
def test_any_other_label_is_refused(label: str) -> None:
    given().when(OpenRoom(room=label)).then_refused(InvalidField, "label")


@pytest.mark.parametrize("label", [*sorted(RESERVED), "API", "Chat"])
def test_reserved_labels_are_refused_in_any_case(label: str) -> None:
    given().when(OpenRoom(room=label)).then_refused(LabelReserved)


@pytest.mark.parametrize("title", ["", "  ", "x" * 201, "a\0b", "\ud800"])
def test_a_title_is_real_text_of_at_most_200_characters(title: str) -> None:
    given().when(OpenRoom(room=GENERAL, title=title)).then_refused(InvalidField, "title")
    given(OPENED).when(ChangeRoom(room=GENERAL, title=title)).then_refused(InvalidField, "title")


def test_changing_records_only_what_changed() -> None:
    given(OPENED).when(ChangeRoom(room=GENERAL, title=GENERAL, topic="Tea", slow_mode_s=5)).then(
        RoomChanged(**by(ADA), topic="Tea", slow_mode_s=5)
    )


def test_changing_nothing_is_no_event() -> None:
    given(OPENED, RoomChanged(**by(ADA), topic="Tea")).when(ChangeRoom(room=GENERAL, topic="Tea")).then()
    given(OPENED).when(ChangeRoom(room=GENERAL)).then()


def test_a_topic_can_be_emptied_and_slow_mode_lifted() -> None:
    given(OPENED, RoomChanged(**by(ADA), topic="Tea", slow_mode_s=5)).when(
        ChangeRoom(room=GENERAL, topic="", slow_mode_s=0)
    ).then(RoomChanged(**by(ADA), topic="", slow_mode_s=0))


@pytest.mark.parametrize(("field", "value"), [("topic", "x" * 1001), ("slow_mode_s", -1), ("slow_mode_s", 21_601)])
def test_what_is_out_of_bounds_is_refused(field: str, value: Any) -> None:
    given(OPENED).when(ChangeRoom(room=GENERAL, **{field: value})).then_refused(InvalidField, field)


@pytest.mark.parametrize("days", [-1, 36_501])
def test_a_room_keeps_what_is_said_for_ever_or_for_up_to_a_hundred_years(days: int) -> None:
    given(OPENED).when(ChangeRoom(room=GENERAL, retain_days=days)).then_refused(InvalidField, "retain_days")


def test_for_how_long_a_room_is_kept_says_its_owner() -> None:
    kept = RoomChanged(**by(ADA), retain_days=7)
    given(OPENED).when(ChangeRoom(room=GENERAL, retain_days=7)).then(kept)
    given(OPENED, kept).when(ChangeRoom(room=GENERAL, retain_days=7)).then()
    given(OPENED, kept).when(ChangeRoom(room=GENERAL, retain_days=0)).then(RoomChanged(**by(ADA), retain_days=0))
    given(OPENED).when(ChangeRoom(room=GENERAL, retain_days=7), by=GRACE).then_refused(Forbidden)


def test_since_when_it_is_kept_so_is_the_first_time() -> None:
    days = [
        RoomChanged(**by(ADA, NOON + day * 86_400_000), retain_days=keep) for day, keep in ((1, 7), (2, 0), (3, 30))
    ]
    rules = given(OPENED, *days).rules()
    assert (rules.retain_days, rules.retained_since) == (30, "2026-11-23")


def test_only_the_owner_changes_a_room() -> None:
    given(OPENED).when(ChangeRoom(room=GENERAL, topic="Tea"), by=GRACE).then_refused(Forbidden)


def test_a_private_room_is_not_there_for_others() -> None:
    given(PRIVATE).when(ChangeRoom(room=GENERAL, topic="Tea"), by=GRACE).then_refused(NotFound)
    given().when(ChangeRoom(room=GENERAL, topic="Tea")).then_refused(NotFound)


def test_an_archived_room_can_only_be_opened_again() -> None:
    given(OPENED, ARCHIVED).when(ChangeRoom(room=GENERAL, topic="Tea")).then_refused(Archived)
    given(OPENED, ARCHIVED).when(ChangeRoom(room=GENERAL, archived=False)).then(RoomChanged(**by(ADA), archived=False))


def test_who_may_see_a_room() -> None:
    public, private = given(OPENED).rules(), given(PRIVATE).rules()
    assert [may_see(public, person) for person in (ADA, GRACE, None)] == [True, True, True]
    assert [may_see(private, person) for person in (ADA, GRACE, None)] == [True, False, False]
    assert not may_see(given().rules(), ADA)


def test_rules_know_where_they_last_changed() -> None:
    rules = given(OPENED, ARCHIVED).rules()
    assert (rules.seq, rules.position, rules.owner, rules.archived) == (2, 102, ADA, True)
