"""Erasing people, and the legal holds that forbid it: what is known, and what is decided from it. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from commands.errors import Gone, LegalHold, NotFound
from commands.events import Cause, Event, Numbered
from commands.member import check_person, check_reason
from commands.people import (
    HOLDS,
    PersonErased,
    PersonHeld,
    PersonReleased,
    RoomExpired,
    RoomHeld,
    RoomReleased,
    person_subject,
    room_subject,
)
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


class Expire(msgspec.Struct, frozen=True, kw_only=True):
    """Destroy the keys of a room's days from `since` on and before a day; the server asks, by the room's rules."""

    room: str
    since: str
    before: str


type AboutPeople = Erase | Hold | Release | Expire


class Last(NamedTuple):
    """The last event about a hold, and where it is."""

    at: Numbered
    event: PersonHeld | PersonReleased | RoomHeld | RoomReleased

    @property
    def holds(self) -> bool:
        return isinstance(self.event, PersonHeld | RoomHeld)


class Standing:
    """What is known of what a command is about, and of all legal holds, each as of the last event; evolved in place."""

    def __init__(self, about: str | None = None) -> None:
        self.erased: Numbered | None = None
        self.expired: Numbered | None = None
        self.expired_before = ""
        self.seqs = {HOLDS: 0} | ({about: 0} if about else {})
        self._persons: dict[str, Last] = {}
        self._rooms: dict[str, Last] = {}

    def take(self, at: Numbered, event: Event) -> None:
        """One more event about one of `seqs`, the subjects with the seq of the last event about each."""
        self.seqs[event.subject] = at.seq
        match event:
            case PersonErased():
                self.erased = at
            case RoomExpired():
                self.expired, self.expired_before = at, max(self.expired_before, event.before)
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

    def held_persons(self) -> list[str]:
        """Everybody on whom there is a hold."""
        return [person for person, last in self._persons.items() if last.holds]

    def held(self) -> Iterator[Last]:
        """Every hold that there is."""
        return (last for last in (*self._persons.values(), *self._rooms.values()) if last.holds)


def check(command: AboutPeople) -> None:
    """Refuse what can name nobody and nothing. Raises: InvalidField, NotFound."""
    person, room = named(command)
    if person is not None:
        check_person(person)
    elif room is None or not LABEL.fullmatch(room):
        raise NotFound("There is no such room.")
    if not isinstance(command, Expire):
        check_reason(command.reason)


def named(command: AboutPeople) -> tuple[str | None, str | None]:
    """The person whom a command names, or else the room."""
    person = None if isinstance(command, Expire) else command.person
    return person, None if isinstance(command, Erase) else command.room


def about(command: AboutPeople) -> str | None:
    """The subject on which a decision rests besides all holds."""
    person, room = named(command)
    if isinstance(command, Expire):
        return room_subject(room or "")
    return None if person is None else person_subject(person)


def decide(command: AboutPeople, known: Standing, concerned: Sequence[str], cause: Cause) -> Iterable[Event]:
    """Decide from what is known, and from whom or what else it concerns.

    Of an erasure these are the rooms in which the person took part, of the end of a room's days the people who are
    held and took part in it. What is so already changes nothing. Raises: LegalHold, Gone.
    """
    match command:
        case Erase():
            return _erase(command, known, concerned, cause)
        case Expire():
            return _expire(command, known, concerned, cause)
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


def _expire(command: Expire, known: Standing, held: Sequence[str], cause: Cause) -> Iterable[Event]:
    if command.before <= known.expired_before:
        return
    if known.is_held(room=command.room):
        raise LegalHold("There is a legal hold on this room: it keeps everything.")
    if held:
        raise LegalHold("There is a legal hold on somebody who took part in this room: it keeps everything.")
    since = max(command.since, known.expired_before)
    yield RoomExpired(**cause.stamp(), room=command.room, since=since, before=command.before)


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
