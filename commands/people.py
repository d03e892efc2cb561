"""What happens to people whatever the room: they are held for a court, let go again, erased, or told no.

Holds on rooms are in the stream of people, so that an erasure and a hold that it would break cannot both be recorded.
What was refused is in a stream of its own: it is no fact of any room.
"""

from typing import ClassVar

from commands.events import Event, register

PEOPLE = "people"
"""The stream of people. No room can have this label, and nobody but an auditor reads it."""
REFUSED = "refused"
"""The stream of what was refused, likewise."""
NO_ROOMS = frozenset((PEOPLE, REFUSED))
ERASED = "person.erased"


def person_subject(person: str) -> str:
    """What an event about a person is about."""
    return f"person:{person}"


def room_subject(room: str) -> str:
    """What a hold on a room is about."""
    return f"room:{room}"


def person_of(subject: str) -> str:
    """The person that an event is about."""
    return subject.removeprefix("person:")


class AboutPerson(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something about a person, for a reason that is for auditors."""

    SEALED: ClassVar[tuple[str, ...]] = ("reason", "address", "client")
    DATA: ClassVar[tuple[str, ...]] = ("person", "reason")

    person: str
    reason: str = ""

    @property
    def subject(self) -> str:
        return person_subject(self.person)


class AboutRoom(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something about all who took part in a room, for a reason that is for auditors."""

    SEALED: ClassVar[tuple[str, ...]] = ("reason", "address", "client")
    DATA: ClassVar[tuple[str, ...]] = ("room", "reason")

    room: str
    reason: str = ""

    @property
    def subject(self) -> str:
        return room_subject(self.room)


@register
class PersonErased(AboutPerson, frozen=True, kw_only=True, omit_defaults=True):
    """A person's key is destroyed: what was personal in their events can be read by nobody any more."""

    TOPIC = ERASED


@register
class PersonHeld(AboutPerson, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold on a person: they cannot be erased."""

    TOPIC = "person.held"


@register
class PersonReleased(AboutPerson, frozen=True, kw_only=True, omit_defaults=True):
    """The legal hold on a person is over."""

    TOPIC = "person.released"


@register
class RoomHeld(AboutRoom, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold on a room: nobody who took part in it can be erased."""

    TOPIC = "room.held"


@register
class RoomReleased(AboutRoom, frozen=True, kw_only=True, omit_defaults=True):
    """The legal hold on a room is over."""

    TOPIC = "room.released"


@register
class CommandRefused(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody, the actor, was told no, `count` times within a minute; `code` is that of the refusal."""

    TOPIC = "command.refused"
    DATA = ("refusal_id", "room", "command", "code", "count")

    refusal_id: str
    room: str
    command: str
    code: str
    count: int

    @property
    def subject(self) -> str:
        return f"refusal:{self.refusal_id}"
