"""Erasing people, and the legal holds that forbid it: what is known, and what is decided from it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from commands.errors import Gone, LegalHold, NotFound
from commands.events import Cause, Event, Numbered
from commands.member import check_person, check_reason
from commands.people import HOLDS, PersonErased, PersonHeld, PersonReleased, RoomHeld, RoomReleased, person_subject
from commands.rules import LABEL

MOST_NAMED = 5


class Erase(msgspec.Struct, frozen=True, kw_only=True):
    """Destroy a person's key, for good."""

    person: str
    reason: str = ""


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Let nobody erase a person, or anybody who took part in a room: one of the two."""

    person: str | None = None
    room: str | None = None
    reason: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """End a legal hold on a person or a room: one of the two."""

    person: str | None = None
    room: str | None = None
    reason: str = ""


type AboutPeople = Erase | Hold | Release


class Last(NamedTuple):
    """The last event about a hold, and where it is."""

    at: Numbered
    event: PersonHeld | PersonReleased | RoomHeld | RoomReleased

    @property
    def holds(self) -> bool:
        return isinstance(self.event, PersonHeld | RoomHeld)


class Standing:
    """What is known of a person, and of every legal hold, each as of the last event about it; evolved in place."""

    def __init__(self, person: str | None = None) -> None:
        self.person = person
        self.erased: Numbered | None = None
        self.seqs = {HOLDS: 0} | ({person_subject(person): 0} if person else {})
        self._persons: dict[str, Last] = {}
        self._rooms: dict[str, Last] = {}

    def take(self, at: Numbered, event: Event) -> None:
        """One more event about one of `seqs`, the subjects with the seq of the last event about each."""
        self.seqs[event.subject] = at.seq
        match event:
            case PersonErased():
                self.erased = at
            case PersonHeld() | PersonReleased():
                self._persons[event.person] = Last(at, event)
            case RoomHeld() | RoomReleased():
                self._rooms[event.room] = Last(at, event)

    def last(self, person: str | None, room: str | None) -> Last | None:
        """The last event about a hold on a person, or else on a room, if there is one."""
        return self._persons.get(person) if person is not None else self._rooms.get(room or "")

    def is_held(self, person: str | None = None, room: str | None = None) -> bool:
        """Whether there is a hold on a person, or else on a room."""
        last = self.last(person, room)
        return last is not None and last.holds

    def held(self) -> Iterator[Last]:
        """Every hold that there is."""
        return (last for last in (*self._persons.values(), *self._rooms.values()) if last.holds)


def check(command: AboutPeople) -> None:
    """Refuse what can name nobody and nothing. Raises: InvalidField, NotFound."""
    room = None if isinstance(command, Erase) else command.room
    if command.person is not None:
        check_person(command.person)
    elif room is None or not LABEL.fullmatch(room):
        raise NotFound("There is no such room.")
    check_reason(command.reason)


def decide(command: AboutPeople, known: Standing, rooms: Sequence[str], cause: Cause) -> Iterable[Event]:
    """Decide from what is known; of an erasure, `rooms` are those in which the person took part.

    What is so already changes nothing. Raises: LegalHold, Gone.
    """
    match command:
        case Erase():
            return _erase(command, known, rooms, cause)
        case Hold():
            return _hold(command, known, cause)
        case Release():
            return _release(command, known, cause)


def _erase(command: Erase, known: Standing, rooms: Sequence[str], cause: Cause) -> Iterable[Event]:
    if known.erased:
        return
    if known.is_held(command.person):
        raise LegalHold("There is a legal hold on this person: they cannot be erased.")
    if held := sorted(room for room in rooms if known.is_held(room=room)):
        named = ", ".join(held[:MOST_NAMED])
        more = f" and {len(held) - MOST_NAMED} more" if len(held) > MOST_NAMED else ""
        raise LegalHold(f"There is a legal hold on rooms in which they took part: {named}{more}.")
    yield PersonErased(**cause.stamp(), person=command.person, reason=command.reason)


def _hold(command: Hold, known: Standing, cause: Cause) -> Iterable[Event]:
    if known.erased:
        raise Gone("This person was erased: there is nothing left to hold.")
    if known.is_held(command.person, command.room):
        return
    if command.person is not None:
        yield PersonHeld(**cause.stamp(), person=command.person, reason=command.reason)
    elif command.room is not None:
        yield RoomHeld(**cause.stamp(), room=command.room, reason=command.reason)


def _release(command: Release, known: Standing, cause: Cause) -> Iterable[Event]:
    if not known.is_held(command.person, command.room):
        return
    if command.person is not None:
        yield PersonReleased(**cause.stamp(), person=command.person, reason=command.reason)
    elif command.room is not None:
        yield RoomReleased(**cause.stamp(), room=command.room, reason=command.reason)
