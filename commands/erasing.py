"""Erasing people, and the legal holds that forbid it: what is known, and what is decided from it. Pure."""

from collections.abc import Iterable, Mapping

import msgspec

from commands.errors import Gone, LegalHold, NotFound
from commands.events import Cause, Event, Numbered
from commands.member import check_person, check_reason
from commands.people import (
    PersonErased,
    PersonHeld,
    PersonReleased,
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


type AboutPeople = Erase | Hold | Release


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person, or of a room, as of `seq`, the last event about them in the stream of people."""

    seq: int = 0
    position: int = 0
    held: bool = False
    erased: bool = False


UNKNOWN = Standing()


def evolve(standing: Standing, at: Numbered, event: Event) -> Standing:
    """The standing after `event`, which was recorded there."""
    match event:
        case PersonErased():
            return Standing(seq=at.seq, position=at.position, erased=True)
        case PersonHeld() | RoomHeld():
            return msgspec.structs.replace(standing, seq=at.seq, position=at.position, held=True)
        case PersonReleased() | RoomReleased():
            return msgspec.structs.replace(standing, seq=at.seq, position=at.position, held=False)
        case _:
            return standing


def check(command: AboutPeople) -> None:
    """Refuse what can name nobody and nothing. Raises: InvalidField, NotFound."""
    room = None if isinstance(command, Erase) else command.room
    if command.person is not None:
        check_person(command.person)
    elif room is None or not LABEL.fullmatch(room):
        raise NotFound("There is no such room.")
    check_reason(command.reason)


def subject(command: AboutPeople) -> str:
    """What a command is about."""
    if command.person is not None:
        return person_subject(command.person)
    assert not isinstance(command, Erase)
    return room_subject(command.room or "")


def decide(command: AboutPeople, standing: Mapping[str, Standing], cause: Cause) -> Iterable[Event]:
    """Decide from the standing of whom the command is about, and for an erasure of every room they took part in.

    What is so already changes nothing. Raises: LegalHold, Gone.
    """
    known = standing[subject(command)]
    match command:
        case Erase():
            return _erase(command, known, standing, cause)
        case Hold():
            return _hold(command, known, cause)
        case Release():
            return _release(command, known, cause)


def _erase(command: Erase, known: Standing, standing: Mapping[str, Standing], cause: Cause) -> Iterable[Event]:
    if known.erased:
        return
    if known.held:
        raise LegalHold("There is a legal hold on this person: they cannot be erased.")
    about_rooms = subject(command)
    held = sorted(about for about, each in standing.items() if each.held and about != about_rooms)
    if held:
        named = ", ".join(about.removeprefix("room:") for about in held[:MOST_NAMED])
        more = f" and {len(held) - MOST_NAMED} more" if len(held) > MOST_NAMED else ""
        raise LegalHold(f"There is a legal hold on rooms in which they took part: {named}{more}.")
    yield PersonErased(**cause.stamp(), person=command.person, reason=command.reason)


def _hold(command: Hold, known: Standing, cause: Cause) -> Iterable[Event]:
    if known.erased:
        raise Gone("This person was erased: there is nothing left to hold.")
    if known.held:
        return
    if command.person is not None:
        yield PersonHeld(**cause.stamp(), person=command.person, reason=command.reason)
    elif command.room is not None:
        yield RoomHeld(**cause.stamp(), room=command.room, reason=command.reason)


def _release(command: Release, known: Standing, cause: Cause) -> Iterable[Event]:
    if not known.held:
        return
    if command.person is not None:
        yield PersonReleased(**cause.stamp(), person=command.person, reason=command.reason)
    elif command.room is not None:
        yield RoomReleased(**cause.stamp(), room=command.room, reason=command.reason)
