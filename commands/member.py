"""A person's standing in a room: who they are, what they are called, whether they are banned. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from commands.errors import Archived, Banned, Forbidden, InvalidField
from commands.events import Cause, Event, MemberBanned, MemberUnbanned, Numbered
from commands.rules import Rules, check_characters, check_seen

MAX_HANDLE = 40
MAX_REASON = 500
PERSON = re.compile(r"(guest|user|bot):[A-Za-z0-9_-]{1,64}")


class Ban(msgspec.Struct, frozen=True, kw_only=True):
    """Keep a person out of a room until a time (Unix milliseconds), or for good; the room's owner may."""

    room: str
    person: str
    until: int | None = None
    reason: str = ""


class Unban(msgspec.Struct, frozen=True, kw_only=True):
    """Let a banned person in again."""

    room: str
    person: str


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person in a room as of `seq`, the last event about them there."""

    seq: int = 0
    position: int = 0
    banned: bool = False
    banned_until: int | None = None


def evolve(membership: Membership, at: Numbered, event: Event) -> Membership:
    """The membership after `event`, which was recorded there."""
    match event:
        case MemberBanned():
            return Membership(seq=at.seq, position=at.position, banned=True, banned_until=event.until)
        case MemberUnbanned():
            return Membership(seq=at.seq, position=at.position)
        case _:
            return membership


def check_not_banned(membership: Membership, now_ms: int) -> None:
    """Raises: Banned."""
    until = membership.banned_until
    if membership.banned and (until is None or now_ms < until):
        raise Banned


def check_may_take_part(rules: Rules, membership: Membership, cause: Cause) -> None:
    """Whether somebody may say or change anything in a room. Raises: NotFound, Banned, Archived."""
    check_seen(rules, cause.actor)
    check_not_banned(membership, cause.occurred_at)
    if rules.archived:
        raise Archived


def ban(rules: Rules, membership: Membership, command: Ban, cause: Cause) -> Iterable[Event]:
    """Decide `Ban`; banning again in the same way changes nothing. Raises: NotFound, Forbidden, InvalidField."""
    _check_moderates(rules, cause.actor, command.person)
    check_reason(command.reason)
    if command.until is not None and command.until <= cause.occurred_at:
        raise InvalidField.of("until", "a ban ends in the future")
    if not (membership.banned and membership.banned_until == command.until):
        yield MemberBanned(
            **cause.stamp(),
            person=command.person,
            until=command.until,
            reason=command.reason,
        )


def unban(rules: Rules, membership: Membership, command: Unban, cause: Cause) -> Iterable[Event]:
    """Decide `Unban`; somebody who is not banned stays so. Raises: NotFound, Forbidden, InvalidField."""
    _check_moderates(rules, cause.actor, command.person)
    if membership.banned:
        yield MemberUnbanned(**cause.stamp(), person=command.person)


def _check_moderates(rules: Rules, actor: str, person: str) -> None:
    check_seen(rules, actor)
    if actor != rules.owner:
        raise Forbidden("Only the room's owner may ban somebody or lift a ban.")
    check_person(person)
    if person == rules.owner:
        raise Forbidden("The owner cannot be banned from their own room.")


def check_person(person: str) -> None:
    """Raises: InvalidField for what cannot be a person."""
    if not PERSON.fullmatch(person):
        raise InvalidField.of("person", "a person is guest:<id>, user:<id> or bot:<id>")


def check_reason(reason: str) -> None:
    """Raises: InvalidField."""
    check_characters("reason", reason)
    if len(reason) > MAX_REASON:
        raise InvalidField.of("reason", f"use at most {MAX_REASON} characters")


@lru_cache(maxsize=4096)
def check_handle(handle: str) -> None:
    """A handle is 1–40 characters that can all be seen, or are plain spaces between. Raises: InvalidField."""
    check_characters("handle", handle)
    if not handle.strip() or len(handle) > MAX_HANDLE:
        raise InvalidField.of("handle", f"use 1 to {MAX_HANDLE} characters")
    if any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") for c in handle):
        raise InvalidField.of("handle", "control, bidi and zero-width characters are not allowed")


def default_handle(person: str) -> str:
    """What a guest is called who has not said: `Guest-` and four characters of the id."""
    return f"Guest-{person.partition(':')[2][:4]}"
