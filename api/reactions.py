"""Reactions: give a message an emoji, take it back."""

from typing import Any

from django.http import HttpResponse
from ninja import Router

from api.answers import Done, done
from api.credentials import CREDENTIALS, caller
from api.documentation import IN_ROOM, WRITING, documented
from api.places import Emoji, Label, MessageId, check_message, check_room
from api.requests import Request
from commands.errors import Archived, Banned, InvalidField, Redacted
from commands.reaction import React, Unreact

PATH = "/{label}/messages/{message_id}/reactions/{emoji}"
ANSWERS: dict[str, Any] = documented({200: Done}, IN_ROOM, WRITING, InvalidField, Banned, Archived, Redacted)

router = Router(tags=["reactions"])


@router.put(PATH, auth=CREDENTIALS, operation_id="react", **ANSWERS)
async def react(request: Request, label: Label, message_id: MessageId, emoji: Emoji) -> HttpResponse:
    """React to a message. Twice is once."""
    check_room(label)
    check_message(message_id)
    command = React(room=label, message_id=message_id, emoji=emoji)
    return done(await request.handlers.handle(command, caller(request)))


@router.delete(PATH, auth=CREDENTIALS, operation_id="unreact", **ANSWERS)
async def unreact(request: Request, label: Label, message_id: MessageId, emoji: Emoji) -> HttpResponse:
    """Take your own reaction back."""
    check_room(label)
    check_message(message_id)
    command = Unreact(room=label, message_id=message_id, emoji=emoji)
    return done(await request.handlers.handle(command, caller(request)))
