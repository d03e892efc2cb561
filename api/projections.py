"""How far the read models are: checkpoints, lag, and rooms that are set aside."""

from typing import Any

import msgspec
from django.http import HttpResponse
from ninja import Router

from api.answers import Projections, send_json
from api.credentials import check_may_read, reader
from api.documentation import documented
from api.requests import Request
from commands.clock import rfc3339
from commands.errors import NotFound
from commands.identity import Reader
from projections.queries import RebuildStatus

MAX_NAMED = 100

router = Router(tags=["projections"])


@router.get("", operation_id="list_projections", **documented({200: Projections}))
async def list_projections(request: Request) -> HttpResponse:
    """Each projection's checkpoint, lag and rebuild. Of its parked rooms those are named that you may see."""
    who = await reader(request)
    check_may_read(who)
    items = [
        {
            "name": status.name,
            "position": status.position,
            "lag_events": status.lag_events,
            "lag_s": status.lag_s,
            "heartbeat_age_s": status.heartbeat_age_s,
            "parked": len(status.parked),
            "parked_rooms": await _seen(request, status.parked[:MAX_NAMED], who),
            "rebuild": _rebuild(status.rebuild),
        }
        for status in await request.queries.projections()
    ]
    return send_json(msgspec.json.encode({"items": items}), private=who != Reader())


def _rebuild(status: RebuildStatus | None) -> dict[str, Any] | None:
    if status is None:
        return None
    return {**status._asdict(), "began_at": rfc3339(status.began_at)}


async def _seen(request: Request, rooms: list[str], who: Reader) -> list[str]:
    seen = []
    for room in rooms:
        try:
            await request.handlers.rules(room, who)
        except NotFound:
            continue
        seen.append(room)
    return seen
