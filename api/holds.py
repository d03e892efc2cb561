"""Legal holds on rooms, for auditors: nobody who took part in one can be erased."""

from django.http import HttpResponse
from ninja import Query, Router

from api.answers import Done, done
from api.bodies import NewHold
from api.credentials import AUDITORS, caller
from api.documentation import BODY, IN_ROOM, documented
from api.places import Label, check_room
from api.query import ReasonQuery
from api.requests import Request
from commands.administration import Ruling
from commands.erasing import Hold, Release
from commands.errors import Forbidden, Gone, InvalidField, Overloaded
from commands.handlers import Receipt

NO_REASON = NewHold()

router = Router(tags=["people"])


@router.put(
    "/{label}/hold",
    auth=AUDITORS,
    operation_id="hold_room",
    **documented({200: Done}, IN_ROOM, BODY, Forbidden, Gone, Overloaded),
)
async def hold_room(request: Request, label: Label, hold: NewHold = NO_REASON) -> HttpResponse:
    """A legal hold: nobody who took part in this room can be erased until it is released.

    The event is in the stream of people, and so are `seq` and `position`: only auditors see it.
    """
    check_room(label)
    ruling = await request.administration.carry_out(Hold(room=label, reason=hold.reason), caller(request))
    return _done(label, ruling)


@router.delete(
    "/{label}/hold",
    auth=AUDITORS,
    operation_id="release_room",
    **documented({200: Done}, IN_ROOM, Forbidden, Gone, InvalidField, Overloaded),
)
async def release_room(request: Request, label: Label, wanted: Query[ReasonQuery]) -> HttpResponse:
    """End the legal hold on a room."""
    check_room(label)
    ruling = await request.administration.carry_out(Release(room=label, reason=wanted.reason), caller(request))
    return _done(label, ruling)


def _done(label: str, ruling: Ruling) -> HttpResponse:
    return done(Receipt(room=label, seq=ruling.seq, position=ruling.position, changed=ruling.changed))
