"""What happens to people whatever the room: they are held for a court, let go again, erased, or told no.

All legal holds are about one subject, those on rooms, too, so that an erasure and a hold that it would break cannot
both be recorded. What was refused is in a stream of its own: it is no fact of any room.
"""

from typing import ClassVar

from commands.events import Event, register

PEOPLE = "people"
"""The stream of people. No room can have this label, and nobody but an auditor reads it."""
REFUSED = "refused"
"""The stream of what was refused, likewise."""
NO_ROOMS = frozenset((PEOPLE, REFUSED))
ERASED = "person.erased"
EXPIRED = "room.expired"
HOLDS = "holds"
"""The subject of every hold, and of its end."""


def person_subject(person: str) -> str:
    """What the erasure of a person is about."""
    return f"person:{person}"


def person_of(subject: str) -> str:
    """The person whose erasure has this subject."""
    return subject.removeprefix("person:")


def room_subject(room: str) -> str:
    """What the end of a room's days is about."""
    return f"room:{room}"


def room_of(subject: str) -> str:
    """The room whose days are over by an event with this subject."""
    return subject.removeprefix("room:")


class ByAuditor(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that an auditor did, for a reason that is for auditors."""

    SEALED: ClassVar[tuple[str, ...]] = ("reason", "address", "client")

    reason: str = ""


@register
class PersonErased(ByAuditor, frozen=True, kw_only=True, omit_defaults=True):
    """A person's key is destroyed: what was personal in their events can be read by nobody any more."""

    TOPIC = ERASED
    DATA = ("person", "reason")

    person: str

    @property
    def subject(self) -> str:
        return person_subject(self.person)


class AboutHolds(ByAuditor, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold began, or is over."""

    @property
    def subject(self) -> str:
        return HOLDS


@register
class PersonHeld(AboutHolds, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold on a person: they cannot be erased."""

    TOPIC = "person.held"
    DATA = ("person", "reason")

    person: str


@register
class PersonReleased(AboutHolds, frozen=True, kw_only=True, omit_defaults=True):
    """The legal hold on a person is over."""

    TOPIC = "person.released"
    DATA = ("person", "reason")

    person: str


@register
class RoomHeld(AboutHolds, frozen=True, kw_only=True, omit_defaults=True):
    """A legal hold on a room: nobody who took part in it can be erased."""

    TOPIC = "room.held"
    DATA = ("room", "reason")

    room: str


@register
class RoomReleased(AboutHolds, frozen=True, kw_only=True, omit_defaults=True):
    """The legal hold on a room is over."""

    TOPIC = "room.released"
    DATA = ("room", "reason")

    room: str


@register
class RoomExpired(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The keys of a room's days from `since` on are destroyed: what was said before the day `before` is over."""

    TOPIC = EXPIRED
    DATA = ("room", "since", "before")

    room: str
    since: str
    before: str

    @property
    def subject(self) -> str:
        return room_subject(self.room)


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
