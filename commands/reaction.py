"""Reactions: what one person thinks of a message, in emoji. Pure."""

import unicodedata
from collections.abc import Iterable

import msgspec

from commands.amending import check_exists, check_not_redacted
from commands.errors import Forbidden, InvalidField
from commands.events import Cause, Event, Numbered, ReactionAdded, ReactionEvent, ReactionRemoved
from commands.member import Membership, check_may_take_part
from commands.message import MessageState, check_message_id
from commands.rules import Rules, check_characters

MAX_EMOJI = 16
"""Code points: a family or a flag is one emoji of up to a dozen."""
MAX_REACTIONS = 20
"""Different emoji of one person on one message."""
MAX_CHANGES = 200
"""After so many changes of mind nobody adds to their reactions to a message: a decision reads every one of them."""
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp"})
_JOINING = frozenset({"\u200d", *map(chr, range(0xE0020, 0xE0080))})
"""Zero-width joiner and tags: of the characters that cannot be seen, those that emoji are put together with."""


class React(msgspec.Struct, frozen=True, kw_only=True):
    """React to a message with an emoji."""

    room: str
    message_id: str
    emoji: str


class Unreact(msgspec.Struct, frozen=True, kw_only=True):
    """Take one's own reaction back."""

    room: str
    message_id: str
    emoji: str


class Reactions(msgspec.Struct, frozen=True, kw_only=True):
    """One person's reactions to one message as of `seq`, the last event about them, after so many `changes`."""

    seq: int = 0
    position: int = 0
    emoji: frozenset[str] = frozenset()
    changes: int = 0


def evolve(reactions: Reactions, at: Numbered, event: Event) -> Reactions:
    """The reactions after `event`, which was recorded there."""
    match event:
        case ReactionAdded():
            emoji = reactions.emoji | {event.emoji}
        case ReactionRemoved():
            emoji = reactions.emoji - {event.emoji}
        case _:
            return reactions
    return Reactions(seq=at.seq, position=at.position, emoji=emoji, changes=reactions.changes + 1)


def check_reaction(command: React | Unreact) -> None:
    """Refuse what no room would take. Raises: InvalidField."""
    check_message_id(command.message_id)
    check_emoji(command.emoji)


def check_emoji(emoji: str) -> None:
    """Something short that can be seen, and can stand in an address. Raises: InvalidField."""
    check_characters("emoji", emoji)
    if not 1 <= len(emoji) <= MAX_EMOJI:
        raise InvalidField.of("emoji", f"use 1 to {MAX_EMOJI} characters")
    if any(unicodedata.category(c) in _UNSEEN and c not in _JOINING for c in emoji):
        raise InvalidField.of("emoji", "spaces, control, bidi and other unseen characters are not allowed")
    if all(c in _JOINING or unicodedata.category(c) == "Mn" for c in emoji):
        raise InvalidField.of("emoji", "use something that can be seen")
    if "/" in emoji or emoji in (".", ".."):
        raise InvalidField.of("emoji", "this cannot stand in an address")


def react(
    rules: Rules,
    membership: Membership,
    message: MessageState,
    reactions: Reactions,
    command: React,
    cause: Cause,
) -> Iterable[Event]:
    """Decide `React`; reacting twice in the same way changes nothing.

    Raises: NotFound, Banned, Archived, Redacted, InvalidField for one emoji too many, Forbidden after MAX_CHANGES.
    """
    _check_open(rules, membership, message, cause)
    if command.emoji in reactions.emoji:
        return
    if len(reactions.emoji) >= MAX_REACTIONS:
        raise InvalidField.of("emoji", f"use at most {MAX_REACTIONS} different ones on one message")
    if reactions.changes >= MAX_CHANGES:
        raise Forbidden("You have changed your reactions to this message too often to add another one.")
    yield _event(ReactionAdded, command, cause)


def unreact(
    rules: Rules,
    membership: Membership,
    message: MessageState,
    reactions: Reactions,
    command: Unreact,
    cause: Cause,
) -> Iterable[Event]:
    """Decide `Unreact`, however often it was done before; what is not there stays away.

    Raises: NotFound, Banned, Archived, Redacted.
    """
    _check_open(rules, membership, message, cause)
    if command.emoji in reactions.emoji:
        yield _event(ReactionRemoved, command, cause)


def _check_open(rules: Rules, membership: Membership, message: MessageState, cause: Cause) -> None:
    check_may_take_part(rules, membership, cause)
    check_exists(message)
    check_not_redacted(message)


def _event(kind: type[ReactionEvent], command: React | Unreact, cause: Cause) -> Event:
    return kind(**cause.stamp(), message_id=command.message_id, emoji=command.emoji)
