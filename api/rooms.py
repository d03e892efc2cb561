"""Rooms: open one, list them, look at one, change it."""

import msgspec
from django.http import HttpResponse
from ninja import Query, Router

from api.answers import Done, Room, Rooms, done, send_json
from api.bodies import NewRoom, RoomChanges
from api.credentials import CREDENTIALS, caller, check_may_read, reader
from api.documentation import BODY, IN_ROOM, WRITING, documented
from api.places import Label, check_room
from api.query import AtLeast, DirectoryQuery
from api.requests import Request
from commands.errors import Archived, InvalidField, LabelReserved, ProjectionBehind, RoomExists, RoomParked
from commands.identity import Reader
from commands.rules import ChangeRoom, OpenRoom, check_label

router = Router(tags=["rooms"])


@router.post(
    "",
    auth=CREDENTIALS,
    operation_id="open_room",
    **documented({201: Done}, BODY, WRITING, RoomExists, LabelReserved),
)
async def open_room(request: Request, room: NewRoom) -> HttpResponse:
    """Open a room; whoever does so owns it."""
    check_label(room.label)
    command = OpenRoom(room=room.label, title=room.title, visibility=room.visibility)
    receipt = await request.handlers.handle(command, caller(request))
    return done(receipt, status=201, location=f"{request.path}/{room.label}")


@router.get("", operation_id="list_rooms", **documented({200: Rooms}, InvalidField))
async def list_rooms(request: Request, page: Query[DirectoryQuery]) -> HttpResponse:
    """The directory: public rooms, and your own."""
    who = await reader(request)
    check_may_read(who)
    items, following = await request.queries.rooms(who.person, after=page.after, limit=page.limit)
    body = b'{"items":[%b],"next":%b}' % (b",".join(items), msgspec.json.encode(following))
    return send_json(body, private=who != Reader())


@router.get(
    "/{label}",
    operation_id="read_room",
    **documented({200: Room}, IN_ROOM, InvalidField, ProjectionBehind, RoomParked),
)
async def read_room(request: Request, label: Label, wanted: Query[AtLeast]) -> HttpResponse:
    """One room, as the directory knows it."""
    who = await reader(request)
    rules = await request.handlers.rules(label, who)
    room = await request.queries.room(label, min_position=wanted.min_position)
    if room is None:
        raise ProjectionBehind
    return send_json(room, private=who.auditor or rules.visibility == "private")


@router.patch(
    "/{label}",
    auth=CREDENTIALS,
    operation_id="change_room",
    **documented({200: Done}, IN_ROOM, BODY, WRITING, Archived),
)
async def change_room(request: Request, label: Label, changes: RoomChanges) -> HttpResponse:
    """Change a room's title, topic, slow mode, for how long it is kept, or archive it. Its owner may."""
    check_room(label)
    command = ChangeRoom(room=label, **changes.model_dump(exclude_unset=True))
    return done(await request.handlers.handle(command, caller(request)))
