"""A room's rules: opening it, changing it, and who may see it. Pure.

`Rules` is what every decision in a room starts from; it is evolved from the events of the subject `rules`.
"""

import re
from collections.abc import Iterable

import msgspec

from commands.days import day_of
from commands.errors import (
    Archived,
    Forbidden,
    InvalidField,
    LabelReserved,
    NotFound,
    RoomExists,
    Unauthenticated,
)
from commands.events import Cause, Event, Numbered, RoomChanged, RoomOpened, Visibility
from commands.people import NO_ROOMS

LABEL = re.compile(r"[A-Za-z0-9_-]{1,50}")
RESERVED = frozenset({"api", "admin", "chat", "static", "new", "accounts", "health", "metrics"}) | NO_ROOMS
MAX_TITLE = 200
MAX_TOPIC = 1000
MAX_SLOW_MODE_S = 6 * 3600
MAX_RETAIN_DAYS = 36_500


class OpenRoom(msgspec.Struct, frozen=True, kw_only=True):
    """Open a room; whoever does so owns it. The title is the label if none is given."""

    room: str
    title: str | None = None
    visibility: Visibility = "public"


class ChangeRoom(msgspec.Struct, frozen=True, kw_only=True):
    """Change what is given of a room's rules; its owner may."""

    room: str
    title: str | None = None
    topic: str | None = None
    archived: bool | None = None
    slow_mode_s: int | None = None
    retain_days: int | None = None


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of a room as of `seq`, the last event about them; seq 0 is a room that does not exist.

    What is said is kept for `retain_days`, or for ever if that is 0; it was first set on the day `retained_since`.
    """

    seq: int = 0
    position: int = 0
    title: str = ""
    topic: str = ""
    visibility: Visibility = "public"
    owner: str = ""
    archived: bool = False
    slow_mode_s: int = 0
    retain_days: int = 0
    retained_since: str = ""

    @property
    def exists(self) -> bool:
        return self.seq > 0


def evolve(rules: Rules, at: Numbered, event: Event) -> Rules:
    """The rules after `event`, which was recorded there."""
    match event:
        case RoomOpened():
            return Rules(
                seq=at.seq,
                position=at.position,
                title=event.title,
                visibility=event.visibility,
                owner=event.actor,
            )
        case RoomChanged():
            since = rules.retained_since or (day_of(event.occurred_at) if event.retain_days else "")
            return msgspec.structs.replace(rules, seq=at.seq, position=at.position, retained_since=since, **event.data)
        case _:
            return rules


def check_label(label: str) -> None:
    """Raises: InvalidField, LabelReserved."""
    if not LABEL.fullmatch(label):
        raise InvalidField.of("label", "use 1 to 50 of A–Z, a–z, 0–9, _ and -")
    if label.lower() in RESERVED:
        raise LabelReserved


def may_see(rules: Rules, person: str | None) -> bool:
    """Whether `person` (None: nobody in particular) may know of the room and read it. The one place that decides it."""
    return rules.exists and (rules.visibility == "public" or person == rules.owner)


def check_seen(rules: Rules, person: str | None, *, auditor: bool = False) -> None:
    """Raises: NotFound, for a room that is not there and one that is not theirs alike."""
    if not (may_see(rules, person) or (auditor and rules.exists)):
        raise NotFound


def check_audits(person: str | None, *, auditor: bool) -> None:
    """Whether somebody may see what is for auditors alone, and erase or hold. Raises: Unauthenticated, Forbidden."""
    if auditor:
        return
    if person is None:
        raise Unauthenticated
    raise Forbidden("This is for auditors.")


def open_room(rules: Rules, command: OpenRoom, cause: Cause) -> Iterable[Event]:
    """Decide `OpenRoom`. Raises: RoomExists, InvalidField, LabelReserved."""
    check_label(command.room)
    if rules.exists:
        raise RoomExists
    title = command.room if command.title is None else command.title
    _check_text("title", title, MAX_TITLE)
    yield RoomOpened(**cause.stamp(), title=title, visibility=command.visibility)


def change_room(rules: Rules, command: ChangeRoom, cause: Cause) -> Iterable[Event]:
    """Decide `ChangeRoom`; what is as asked already changes nothing. Raises: NotFound, Forbidden, InvalidField."""
    check_seen(rules, cause.actor)
    if cause.actor != rules.owner:
        raise Forbidden("Only the room's owner may change it.")
    asked = {name: getattr(command, name) for name in RoomChanged.DATA}
    changes = {name: value for name, value in asked.items() if value is not None and value != getattr(rules, name)}
    _check_text("title", changes.get("title", "."), MAX_TITLE)
    _check_text("topic", changes.get("topic", "."), MAX_TOPIC, may_be_empty=True)
    if not 0 <= changes.get("slow_mode_s", 0) <= MAX_SLOW_MODE_S:
        raise InvalidField.of("slow_mode_s", f"use 0 to {MAX_SLOW_MODE_S} seconds")
    if not 0 <= changes.get("retain_days", 0) <= MAX_RETAIN_DAYS:
        raise InvalidField.of("retain_days", f"use 0 (for ever) to {MAX_RETAIN_DAYS} days")
    if rules.archived and changes.get("archived") is not False and changes:
        raise Archived
    if changes:
        yield RoomChanged(**cause.stamp(), **changes)


def _check_text(field: str, text: str, max_chars: int, *, may_be_empty: bool = False) -> None:
    check_characters(field, text)
    if len(text) > max_chars:
        raise InvalidField.of(field, f"use at most {max_chars} characters")
    if not may_be_empty and not text.strip():
        raise InvalidField.of(field, "say something")


def check_characters(field: str, text: str) -> None:
    """Refuse what cannot be kept byte for byte: NUL and unpaired surrogates. Raises: InvalidField."""
    if "\0" in text:
        raise InvalidField.of(field, "NUL characters cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidField.of(field, "unpaired surrogates are not text") from None
