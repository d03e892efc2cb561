"""Every event of Verbatim: what was decided, who decided it, when, and what asked for it.

An event is a frozen struct with a `TOPIC`, its stored name for ever. Fields named in `SEALED` are personal: the mapper
(sealing.py) stores them encrypted. Fields named in `DATA` are what readers get as `data`, in the contract's order.

A stored form never changes. When an event's fields must change, the class gets a new `TOPIC` with a version
(`message.posted@2`) and the old topic gets an upcaster here; readers only ever meet the newest form.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple

import msgspec

from commands.clock import rfc3339

Visibility = Literal["public", "private"]


class Numbered(NamedTuple):
    """Where an event was recorded: its place in its room and in the whole store."""

    seq: int
    position: int


class Cause(NamedTuple):
    """Where an event comes from: who asked, when (Unix milliseconds), by which request, from where."""

    actor: str
    occurred_at: int
    request_id: str
    address: str = ""
    client: str = ""

    def stamp(self) -> dict[str, Any]:
        """The fields that every event takes from its cause."""
        return {
            "actor": self.actor,
            "occurred_at": self.occurred_at,
            "request_id": self.request_id,
            "address": self.address,
            "client": self.client,
        }


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event records.

    `actor` is the person (`guest:…`), `occurred_at` the server's clock in Unix milliseconds, `request_id` the request
    that caused it. `address` and `client` (sealed, for auditors) say where the request came from.
    """

    TOPIC: ClassVar[str]
    SEALED: ClassVar[tuple[str, ...]] = ("address", "client")
    DATA: ClassVar[tuple[str, ...]] = ()

    actor: str
    occurred_at: int
    request_id: str
    address: str = ""
    client: str = ""

    @property
    def subject(self) -> str:
        """What in the room the event is about; conditions are checked against it."""
        raise NotImplementedError

    @property
    def data(self) -> dict[str, Any]:
        """The event's own fields as readers see them on the wire."""
        return {name: getattr(self, name) for name in self.DATA}


TOPICS: dict[str, type[Event]] = {}
"""Every topic that can be read, with the class of its newest form."""

Upcaster = Callable[[dict[str, Any]], tuple[str, dict[str, Any]]]
UPCASTERS: dict[str, Upcaster] = {}
"""Old topics: each maps the old fields (unsealed) to the next topic and its fields."""


def register[E: Event](cls: type[E]) -> type[E]:
    """Make `cls` readable from the store under its own `TOPIC`."""
    if "TOPIC" not in cls.__dict__ or cls.TOPIC in TOPICS:
        raise TypeError(f"{cls.__name__} needs a TOPIC of its own")
    TOPICS[cls.TOPIC] = cls
    return cls


def wire_name(topic: str) -> str:
    """The name by which clients know a stored topic: without its version."""
    return topic.partition("@")[0]


def revive(topic: str, fields: Mapping[str, Any]) -> Event:
    """Make the event that was stored under `topic`, upcasting old forms. Raises: KeyError for an unknown topic."""
    while topic in UPCASTERS:
        topic, fields = UPCASTERS[topic](dict(fields))
    return msgspec.convert(fields, TOPICS[topic])


@register
class RoomOpened(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A room began; its actor owns it."""

    TOPIC = "room.opened"
    DATA = ("title", "visibility")

    title: str
    visibility: Visibility

    @property
    def subject(self) -> str:
        return "rules"


@register
class RoomChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The rules of a room changed; only what changed is set."""

    TOPIC = "room.changed"
    DATA = ("title", "topic", "archived", "slow_mode_s", "retain_days")

    title: str | None = None
    topic: str | None = None
    archived: bool | None = None
    slow_mode_s: int | None = None
    retain_days: int | None = None

    @property
    def subject(self) -> str:
        return "rules"

    @property
    def data(self) -> dict[str, Any]:
        return {name: value for name in self.DATA if (value := getattr(self, name)) is not None}


@register
class MessagePosted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody said something."""

    TOPIC = "message.posted"
    SEALED = ("message", "handle", "address", "client")
    DATA = ("message_id", "message", "handle", "reply_to", "client_msg_id")

    message_id: str
    message: str
    handle: str
    reply_to: str | None = None
    client_msg_id: str | None = None

    @property
    def subject(self) -> str:
        return f"message:{self.message_id}"


class MessageChange(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened to a message after it was posted."""

    message_id: str

    @property
    def subject(self) -> str:
        return f"message:{self.message_id}"


@register
class MessageEdited(MessageChange, frozen=True, kw_only=True, omit_defaults=True):
    """A message says something else from now on."""

    TOPIC = "message.edited"
    SEALED = ("message", "address", "client")
    DATA = ("message_id", "message")

    message: str


@register
class MessageRedacted(MessageChange, frozen=True, kw_only=True, omit_defaults=True):
    """A message was taken back: what it said is hidden from readers, its place is kept."""

    TOPIC = "message.redacted"
    SEALED = ("reason", "address", "client")
    DATA = ("message_id", "reason")

    reason: str = ""


class ReactionEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something about what one person, the actor, thinks of a message."""

    message_id: str
    emoji: str

    @property
    def subject(self) -> str:
        return f"reaction:{self.message_id}:{self.actor}"


@register
class ReactionAdded(ReactionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person reacted to a message with an emoji."""

    TOPIC = "reaction.added"
    DATA = ("message_id", "emoji")


@register
class ReactionRemoved(ReactionEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person took a reaction back."""

    TOPIC = "reaction.removed"
    DATA = ("message_id", "emoji")


class PersonEvent(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something about one person's standing in a room."""

    person: str

    @property
    def subject(self) -> str:
        return f"member:{self.person}"


@register
class MemberBanned(PersonEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person may no longer post in or enter the room, until a time (Unix milliseconds) or for good."""

    TOPIC = "member.banned"
    SEALED = ("reason", "address", "client")
    DATA = ("person", "until", "reason")

    until: int | None = None
    reason: str = ""

    @property
    def data(self) -> dict[str, Any]:
        until = None if self.until is None else rfc3339(self.until)
        return {"person": self.person, "until": until, "reason": self.reason}


@register
class MemberUnbanned(PersonEvent, frozen=True, kw_only=True, omit_defaults=True):
    """A person's ban was lifted."""

    TOPIC = "member.unbanned"
    DATA = ("person",)
