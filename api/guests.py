"""Guests: a program that has not signed in asks for a token and is somebody from then on."""

import msgspec
from django.conf import settings
from django.http import HttpResponse
from ninja import Router

from api.answers import Guest, send_json
from api.bodies import NewGuest
from api.documentation import BODY, documented
from api.requests import Request
from commands.errors import RateLimited, Unauthenticated
from commands.limits import Buckets, Rate

NEW_GUESTS = Rate(per_s=10, burst=20)

UNNAMED = NewGuest()

router = Router(tags=["guests"])
_newcomers = Buckets(NEW_GUESTS)


@router.post("", operation_id="welcome_guest", **documented({201: Guest}, BODY, RateLimited))
async def welcome_guest(request: Request, guest: NewGuest = UNNAMED) -> HttpResponse:
    """Become a guest, under a handle or as `Guest-…`. The body may be left out."""
    if settings.GUESTS == "off":
        raise Unauthenticated("This server takes no guests.")
    wait_s = _newcomers.take(request.address) if settings.LIMITS_ON else 0
    if wait_s:
        raise RateLimited(retry_after_ms=int(wait_s * 1000))
    identity, token = request.guests.welcome(guest.handle)
    return send_json(msgspec.json.encode({"person": identity.person, "token": token}), status=201)
