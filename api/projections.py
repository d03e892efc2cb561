"""How far the read models are: checkpoints, lag, and rooms that are set aside."""

import msgspec
from django.http import HttpResponse
from ninja import Router

from api.answers import Projections, send_json
from api.credentials import check_may_read, reader
from api.documentation import documented
from api.requests import Request
from commands.errors import NotFound

MAX_NAMED = 100

router = Router(tags=["projections"])


@router.get("", operation_id="list_projections", **documented({200: Projections}))
async def list_projections(request: Request) -> HttpResponse:
    """Each projection's checkpoint and lag. Of its parked rooms those are named that you may see."""
    person = reader(request)
    check_may_read(person)
    items = [
        {
            "name": status.name,
            "position": status.position,
            "lag_events": status.lag_events,
            "lag_s": status.lag_s,
            "heartbeat_age_s": status.heartbeat_age_s,
            "parked": len(status.parked),
            "parked_rooms": await _seen(request, status.parked[:MAX_NAMED], person),
            "rebuild": None,
        }
        for status in await request.queries.projections()
    ]
    return send_json(msgspec.json.encode({"items": items}), private=person is not None)


async def _seen(request: Request, rooms: list[str], person: str | None) -> list[str]:
    seen = []
    for room in rooms:
        try:
            await request.handlers.rules(room, person)
        except NotFound:
            continue
        seen.append(room)
    return seen
