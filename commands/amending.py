"""Messages that change: editing what one said, and redacting it. Pure."""

from collections.abc import Iterable

import msgspec

from commands.errors import Forbidden, NotFound, Redacted
from commands.events import Cause, Event, MessageEdited, MessageRedacted
from commands.member import Membership, check_may_take_part, check_reason
from commands.message import MessageState, check_left, check_message_id, check_text
from commands.rules import Rules


class EditMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Say something else in place of what a message says; its author may."""

    room: str
    message_id: str
    message: str


class RedactMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Hide from readers what a message says, for good; its author and the room's owner may."""

    room: str
    message_id: str
    reason: str = ""


def check_edit(command: EditMessage) -> None:
    """Refuse what no room would take. Raises: InvalidField."""
    check_message_id(command.message_id)
    check_text(command.message)


def check_redact(command: RedactMessage) -> None:
    """Refuse what no room would take. Raises: InvalidField."""
    check_message_id(command.message_id)
    check_reason(command.reason)


def edit(
    rules: Rules, membership: Membership, message: MessageState, command: EditMessage, cause: Cause
) -> Iterable[Event]:
    """Decide `EditMessage`; what says so already stays as it is.

    Raises: NotFound, Banned, Archived, Forbidden, Redacted, Gone when its day is over.
    """
    check_may_take_part(rules, membership, cause)
    check_exists(message)
    if cause.actor != message.author:
        raise Forbidden("Only its author may edit a message.")
    check_not_redacted(message)
    check_left(message)
    if command.message != message.text:
        yield MessageEdited(**cause.stamp(), message_id=command.message_id, message=command.message)


def redact(
    rules: Rules, membership: Membership, message: MessageState, command: RedactMessage, cause: Cause
) -> Iterable[Event]:
    """Decide `RedactMessage`; what is redacted stays so. Raises: NotFound, Banned, Archived, Forbidden."""
    check_may_take_part(rules, membership, cause)
    check_exists(message)
    if cause.actor not in (message.author, rules.owner):
        raise Forbidden("Only its author and the room's owner may redact a message.")
    if not message.redacted:
        yield MessageRedacted(**cause.stamp(), message_id=command.message_id, reason=command.reason)


def check_exists(message: MessageState) -> None:
    """Raises: NotFound."""
    if not message.exists:
        raise NotFound("There is no such message in this room.")


def check_not_redacted(message: MessageState) -> None:
    """Raises: Redacted."""
    if message.redacted:
        raise Redacted
