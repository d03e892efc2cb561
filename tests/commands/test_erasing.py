"""Who may be erased, decided from what is known of them and of the rooms in which they took part."""

import pytest

from commands import erasing
from commands.erasing import UNKNOWN, AboutPeople, Erase, Hold, Release, Standing
from commands.errors import Gone, InvalidField, LegalHold, NotFound, Refusal
from commands.events import Cause, Event, Numbered
from commands.people import PersonErased, PersonHeld, PersonReleased, RoomHeld, RoomReleased, person_subject
from tests.cast import GARDEN, GRACE, NOON
from tests.commands.given import OPENED, by

AUDITOR = "bot:auditor"
WHO = person_subject(GRACE)
ROOM = f"room:{GARDEN}"


def after(*events: Event) -> dict[str, Standing]:
    """What is known of grace and of the garden after these events."""
    known = {WHO: UNKNOWN, ROOM: UNKNOWN}
    for seq, event in enumerate(events, 1):
        known[event.subject] = erasing.evolve(known[event.subject], Numbered(seq, seq + 100), event)
    return known


def decided(command: AboutPeople, *events: Event) -> list[Event]:
    erasing.check(command)
    return list(erasing.decide(command, after(*events), Cause(AUDITOR, NOON, "req-1")))


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
    rooms = {f"room:r{n}": Standing(seq=n, held=True) for n in range(1, 9)}
    with pytest.raises(LegalHold, match=r"r1, r2, r3, r4, r5 and 3 more"):
        list(erasing.decide(ERASE, {WHO: UNKNOWN} | rooms, Cause(AUDITOR, NOON, "req-1")))


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


def test_another_event_changes_nothing() -> None:
    assert erasing.evolve(UNKNOWN, Numbered(1, 1), OPENED) is UNKNOWN
