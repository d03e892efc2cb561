"""Messages: say something, edit and redact it, read a page of a room's history, read one message."""

from typing import Annotated

import msgspec
from django.http import HttpResponse
from ninja import Header, Query, Router

from api.answers import Done, History, Message, Posted, send_json
from api.bodies import Edit, NewMessage
from api.changing import change
from api.credentials import CREDENTIALS, caller, reader
from api.documentation import BODY, IN_ROOM, WRITING, documented
from api.places import Label, MessageId, check_message
from api.query import AtLeast, PageQuery, RedactionQuery
from api.requests import Request
from commands.amending import EditMessage, RedactMessage
from commands.errors import (
    AfterBeyondHead,
    Archived,
    Banned,
    IdempotencyMismatch,
    InvalidField,
    LabelReserved,
    NotFound,
    ProjectionBehind,
    Redacted,
    RoomParked,
    SlowMode,
)
from commands.message import MAX_CLIENT_MSG_ID, PostMessage

router = Router(tags=["messages"])

IdempotencyKey = Annotated[
    str | None,
    Header(None, alias="Idempotency-Key", description="The same as `client_msg_id`", max_length=MAX_CLIENT_MSG_ID),
]


@router.post(
    "/{label}/messages",
    auth=CREDENTIALS,
    operation_id="post_message",
    **documented(
        {201: Posted, 200: Posted},
        *(IN_ROOM, BODY, WRITING, Banned, Archived, IdempotencyMismatch, LabelReserved, SlowMode),
    ),
)
async def post_message(
    request: Request, label: Label, message: NewMessage, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    """Say something. Sent again under the same name it is said once: 200, and the same ids."""
    command = PostMessage(
        room=label,
        message=message.message,
        client_msg_id=_name(message.client_msg_id, idempotency_key),
        handle=message.handle,
        reply_to=message.reply_to,
    )
    receipt = await request.handlers.handle(command, caller(request))
    members = {name: getattr(receipt, name) for name in Posted.model_fields}
    response = send_json(msgspec.json.encode(members), status=200 if receipt.duplicate else 201)
    if receipt.duplicate:
        response.headers["Idempotency-Replayed"] = "true"
    else:
        response.headers["Location"] = f"{request.path}/{receipt.message_id}"
    return response


@router.get(
    "/{label}/messages",
    operation_id="read_messages",
    **documented({200: History}, IN_ROOM, InvalidField, AfterBeyondHead, ProjectionBehind, RoomParked),
)
async def read_messages(request: Request, label: Label, page: Query[PageQuery]) -> HttpResponse:
    """A page of history, by rising seq: the newest, or those at one of `before`, `after`, `around` and `at`.

    With `as_of` it is as it was then, but that what was redacted since says nothing, except to auditors.
    """
    who = await reader(request)
    wanted = page.wanted(auditor=who.auditor)
    rules = await request.handlers.rules(label, who)
    found = await request.queries.page(label, min_position=page.min_position, **wanted)
    return send_json(found.json(), private=who.auditor or rules.visibility == "private")


@router.get(
    "/{label}/messages/{message_id}",
    operation_id="read_message",
    **documented({200: Message}, IN_ROOM, InvalidField, ProjectionBehind, RoomParked),
)
async def read_message(request: Request, label: Label, message_id: MessageId, wanted: Query[AtLeast]) -> HttpResponse:
    """One message as it is now."""
    check_message(message_id)
    who = await reader(request)
    rules = await request.handlers.rules(label, who)
    message = await request.queries.message(label, message_id, min_position=wanted.min_position)
    if message is None:
        raise NotFound
    return send_json(message, private=who.auditor or rules.visibility == "private")


@router.patch(
    "/{label}/messages/{message_id}",
    auth=CREDENTIALS,
    operation_id="edit_message",
    **documented({200: Done}, IN_ROOM, BODY, WRITING, Banned, Archived, Redacted),
)
async def edit_message(request: Request, label: Label, message_id: MessageId, edit: Edit) -> HttpResponse:
    """Say something else in its place. Its author may."""
    return await change(request, EditMessage(room=label, message_id=message_id, message=edit.message))


@router.delete(
    "/{label}/messages/{message_id}",
    auth=CREDENTIALS,
    operation_id="redact_message",
    **documented({200: Done}, IN_ROOM, WRITING, InvalidField, Banned, Archived),
)
async def redact_message(
    request: Request, label: Label, message_id: MessageId, wanted: Query[RedactionQuery]
) -> HttpResponse:
    """Hide what a message says from readers, for good; its place is kept. Its author and the room's owner may."""
    return await change(request, RedactMessage(room=label, message_id=message_id, reason=wanted.reason))


def _name(client_msg_id: str | None, idempotency_key: str | None) -> str | None:
    """Body and header are one name space. Raises: IdempotencyMismatch, InvalidField."""
    if idempotency_key is None:
        return client_msg_id
    if not idempotency_key.isascii() or not idempotency_key.isprintable():
        raise InvalidField.of("Idempotency-Key", "use printable ASCII")
    if client_msg_id is not None and client_msg_id != idempotency_key:
        raise IdempotencyMismatch("Idempotency-Key and client_msg_id name different messages: send one of them.")
    return idempotency_key
