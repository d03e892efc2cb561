"""Who may be erased, decided from what is known of them and of the rooms in which they took part."""

from collections.abc import Sequence

import pytest

from commands import erasing
from commands.erasing import AboutPeople, Erase, Hold, Release, Standing
from commands.errors import Gone, InvalidField, LegalHold, NotFound, Refusal
from commands.events import Cause, Event, Numbered
from commands.people import PersonErased, PersonHeld, PersonReleased, RoomHeld, RoomReleased, person_subject
from tests.cast import GARDEN, GRACE, NOON
from tests.commands.given import by

AUDITOR = "bot:auditor"


def after(*events: Event) -> Standing:
    """What is known of grace, and of holds, after these events."""
    known = Standing(person_subject(GRACE))
    for seq, event in enumerate(events, 1):
        known.take(Numbered(seq, seq + 100), event)
    return known


def decided(command: AboutPeople, *events: Event, rooms: Sequence[str] = (GARDEN,)) -> list[Event]:
    erasing.check(command)
    return list(erasing.decide(command, after(*events), rooms, Cause(AUDITOR, NOON, "req-1")))


HELD = PersonHeld(**by(AUDITOR), person=GRACE)
RELEASED = PersonReleased(**by(AUDITOR), person=GRACE)
ROOM_HELD = RoomHeld(**by(AUDITOR), room=GARDEN)
ROOM_RELEASED = RoomReleased(**by(AUDITOR), room=GARDEN)
ERASED = PersonErased(**by(AUDITOR), person=GRACE, reason="asked for it")
ERASE = Erase(person=GRACE, reason="asked for it")


def test_a_person_is_erased_once() -> None:
    assert decided(ERASE) == [ERASED]
    assert decided(ERASE, ERASED) == []


@pytest.mark.parametrize("held", [HELD, ROOM_HELD])
def test_a_hold_on_them_or_on_a_room_of_theirs_refuses(held: Event) -> None:
    with pytest.raises(LegalHold) as refused:
        decided(ERASE, held)
    assert refused.value.code == "legal_hold"
    assert (GARDEN in refused.value.detail) == (held is ROOM_HELD)


def test_of_many_held_rooms_some_are_named() -> None:
    rooms = [f"r{n}" for n in range(1, 9)]
    with pytest.raises(LegalHold, match=r"r1, r2, r3, r4, r5 and 3 more"):
        decided(ERASE, *(RoomHeld(**by(AUDITOR), room=room) for room in rooms), rooms=rooms)


def test_a_hold_on_a_room_of_others_refuses_nobody() -> None:
    assert decided(ERASE, ROOM_HELD, rooms=["general"]) == [ERASED]


def test_who_was_released_can_be_erased() -> None:
    assert decided(ERASE, HELD, ROOM_HELD, RELEASED, ROOM_RELEASED) == [ERASED]


def test_to_hold_and_to_release_twice_changes_nothing() -> None:
    assert decided(Hold(person=GRACE)) == [HELD]
    assert decided(Hold(person=GRACE), HELD) == []
    assert decided(Release(person=GRACE), HELD) == [RELEASED]
    assert decided(Release(person=GRACE)) == []
    assert decided(Hold(room=GARDEN), ROOM_HELD, ROOM_RELEASED) == [ROOM_HELD]
    assert decided(Release(room=GARDEN), ROOM_HELD) == [ROOM_RELEASED]


def test_of_who_was_erased_nothing_is_left_to_hold() -> None:
    with pytest.raises(Gone):
        decided(Hold(person=GRACE), ERASED)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (Erase(person="grace"), InvalidField),
        (Hold(person="grace"), InvalidField),
        (Hold(room="no label"), NotFound),
        (Hold(), NotFound),
        (Erase(person=GRACE, reason="?" * 501), InvalidField),
    ],
)
def test_what_can_name_nobody_is_refused(command: AboutPeople, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        erasing.check(command)


def test_it_is_known_what_is_held_and_which_events_a_decision_rests_on() -> None:
    known = after(HELD, ROOM_HELD, RELEASED)
    assert [last.event for last in known.held()] == [ROOM_HELD]
    assert known.seqs == {"holds": 3, f"person:{GRACE}": 0}
    assert after(ERASED).seqs == {"holds": 0, f"person:{GRACE}": 1}
