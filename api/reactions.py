"""Reactions: give a message an emoji, take it back."""

from typing import Any

from django.http import HttpResponse
from ninja import Router

from api.answers import Done
from api.changing import change
from api.credentials import CREDENTIALS
from api.documentation import IN_ROOM, WRITING, documented
from api.places import Emoji, Label, MessageId
from api.requests import Request
from commands.errors import Archived, Banned, InvalidField, Redacted
from commands.reaction import React, Unreact

PATH = "/{label}/messages/{message_id}/reactions/{emoji}"
ANSWERS: dict[str, Any] = documented({200: Done}, IN_ROOM, WRITING, InvalidField, Banned, Archived, Redacted)

router = Router(tags=["reactions"])


@router.put(PATH, auth=CREDENTIALS, operation_id="react", **ANSWERS)
async def react(request: Request, label: Label, message_id: MessageId, emoji: Emoji) -> HttpResponse:
    """React to a message. Twice is once."""
    return await change(request, React(room=label, message_id=message_id, emoji=emoji))


@router.delete(PATH, auth=CREDENTIALS, operation_id="unreact", **ANSWERS)
async def unreact(request: Request, label: Label, message_id: MessageId, emoji: Emoji) -> HttpResponse:
    """Take your own reaction back."""
    return await change(request, Unreact(room=label, message_id=message_id, emoji=emoji))
