"""A room as a file: for reading back, for spreadsheets, for people; streamed, as it is or as it was."""

from typing import Any

from ninja import Query, Router

from api.credentials import reader
from api.documentation import IN_ROOM, documented
from api.places import Label
from api.query import ExportQuery
from api.requests import Request
from api.streaming import Streamed, unhurried
from archive.exporting import TYPES
from commands.errors import AfterBeyondHead, InvalidField, NotProved, Overloaded, ProjectionBehind, RoomParked

AGAIN_MS = 5000

router = Router(tags=["exports"])


def _files() -> dict[str, Any]:
    """The answer in the three media types, for the OpenAPI document."""
    described = "The file. An NDJSON file that does not end with its manifest was cut off: ask again."
    return {"description": described, "content": {kind: {"schema": {"type": "string"}} for kind in TYPES.values()}}


_documented = documented(
    {200: None}, IN_ROOM, InvalidField, AfterBeyondHead, RoomParked, ProjectionBehind, NotProved, Overloaded
)
_documented["openapi_extra"]["responses"][200] = _files()


@router.get("/{label}/export", operation_id="export_room", **_documented)
async def export_room(request: Request, label: Label, wanted: Query[ExportQuery]) -> Streamed:
    """A room as a file: every event (`ndjson`), or every message as a row (`csv`) or on a page (`html`).

    Readers get what readers may see. Auditors get everything, where it came from, and in NDJSON how it is stored and
    what proves it: `manage.py verify` checks such a file with the public key alone, `manage.py import` reads it back.
    """
    who = await reader(request)
    await request.handlers.rules(label, who)
    as_of, as_of_time = wanted.as_of or (None, None)
    part = await request.exports.of_room(label, as_of=as_of, as_of_time=as_of_time, auditor=who.auditor)
    leave = request.export_turns[who.auditor].take(again_ms=AGAIN_MS)
    response = Streamed(unhurried(request.exports.write(part, wanted.format)), TYPES[wanted.format], leave)
    await response.begin()
    response.headers["Content-Disposition"] = f'attachment; filename="{part.file_name(wanted.format)}"'
    response.headers["Cache-Control"] = "no-store"
    return response
