"""What was: the versions of a message, and how a room's life is spread over time."""

import msgspec
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from api.answers import Answer, send_json
from api.credentials import reader
from api.documentation import IN_ROOM, documented
from api.places import Label, MessageId, check_message
from api.query import RevisionsQuery, TapeQuery
from api.requests import Request
from commands.clock import rfc3339
from commands.errors import InvalidField, NotFound, RoomParked
from commands.events import MessageEdited

router = Router(tags=["the past"])


class Revision(Answer):
    """One version of a message."""

    seq: int
    message: str | None = Field(description="null when the message was redacted")
    edited_at: str | None = Field(description="null for the first version")
    by: str


class Revisions(Answer):
    """Versions of a message, by seq."""

    items: list[Revision]
    redacted_by: str | None = Field(description="null when the message was not redacted")
    next: int | None = Field(description="To be sent back as `after`; null on the last page")


class TapePoint(Answer):
    """One of a room's messages, and the room's time when it was posted."""

    seq: int
    at: str


class Tape(Answer):
    """Messages at even steps of seq, from the first to the last."""

    head_seq: int
    points: list[TapePoint]


@router.get(
    "/{label}/messages/{message_id}/revisions",
    operation_id="read_revisions",
    **documented({200: Revisions}, IN_ROOM, InvalidField),
)
async def read_revisions(
    request: Request, label: Label, message_id: MessageId, wanted: Query[RevisionsQuery]
) -> HttpResponse:
    """The versions that a message had, the first one first.

    Of a redacted one they are all there, and say nothing, but to an auditor.
    """
    check_message(message_id)
    who = await reader(request)
    rules = await request.handlers.rules(label, who)
    found = await request.log.revisions(label, message_id, after=wanted.after, limit=wanted.limit, auditor=who.auditor)
    if found is None:
        raise NotFound
    items = [
        {
            "seq": fact.recorded.seq,
            "message": None if fact.stub else version.message,
            "edited_at": rfc3339(version.occurred_at) if isinstance(version, MessageEdited) else None,
            "by": version.actor,
        }
        for fact, version in found.versions
    ]
    body = msgspec.json.encode({"items": items, "redacted_by": found.redacted_by, "next": found.next})
    return send_json(body, private=who.auditor or rules.visibility == "private")


@router.get(
    "/{label}/tape",
    operation_id="read_tape",
    **documented({200: Tape}, IN_ROOM, InvalidField, RoomParked),
)
async def read_tape(request: Request, label: Label, wanted: Query[TapeQuery]) -> HttpResponse:
    """How a room's messages are spread over time: the seqs and times of some of them, at even steps of seq.

    Where points are close in time, much was said.
    """
    who = await reader(request)
    rules = await request.handlers.rules(label, who)
    tape = await request.queries.tape(label, points=wanted.points)
    points = [{"seq": seq, "at": rfc3339(time)} for seq, time in tape.points]
    body = msgspec.json.encode({"head_seq": tape.head_seq, "points": points})
    return send_json(body, private=who.auditor or rules.visibility == "private")
