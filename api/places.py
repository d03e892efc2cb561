"""The names that stand in an address: of a room, a message, a person."""

from typing import Annotated

from ninja import Path

from api.answers import MESSAGE_ID, PERSON
from commands import message, rules
from commands.errors import NotFound

Label = Annotated[str, Path(..., description="A room's label", example="garden")]
MessageId = Annotated[str, Path(..., description="32 hex digits", example=MESSAGE_ID)]
Emoji = Annotated[str, Path(..., description="An emoji, percent-encoded in UTF-8", example="🫖")]
Person = Annotated[str, Path(..., description="guest:<id>, user:<id> or bot:<id>", example=PERSON)]


def check_room(label: str) -> None:
    """Raises: NotFound for what cannot be a room's label, so that it need not be looked up."""
    if not rules.LABEL.fullmatch(label):
        raise NotFound


def check_message(message_id: str) -> None:
    """Raises: NotFound for what cannot be a message's id."""
    if not message.MESSAGE_ID.fullmatch(message_id):
        raise NotFound
