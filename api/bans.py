"""Bans: a room's owner keeps somebody out, for a while or for good."""

from django.http import HttpResponse
from ninja import Router

from api.answers import Done, done
from api.bodies import NewBan
from api.credentials import CREDENTIALS, caller
from api.documentation import BODY, IN_ROOM, WRITING, documented
from api.places import Label, Person, check_room
from api.requests import Request
from commands.clock import Milliseconds, moment
from commands.errors import InvalidField
from commands.member import Ban, Unban, check_person

FOR_GOOD = NewBan()

router = Router(tags=["bans"])


@router.put(
    "/{label}/bans/{person}",
    auth=CREDENTIALS,
    operation_id="ban",
    **documented({200: Done}, IN_ROOM, BODY, WRITING),
)
async def ban(request: Request, label: Label, person: Person, ban: NewBan = FOR_GOOD) -> HttpResponse:
    """Ban somebody from a room. The body may be left out: then there is no end to it."""
    check_room(label)
    check_person(person)
    command = Ban(room=label, person=person, until=_until(ban.until), reason=ban.reason)
    return done(await request.handlers.handle(command, caller(request)))


@router.delete(
    "/{label}/bans/{person}",
    auth=CREDENTIALS,
    operation_id="unban",
    **documented({200: Done}, IN_ROOM, WRITING, InvalidField),
)
async def unban(request: Request, label: Label, person: Person) -> HttpResponse:
    """Let somebody in again."""
    check_room(label)
    check_person(person)
    return done(await request.handlers.handle(Unban(room=label, person=person), caller(request)))


def _until(text: str | None) -> Milliseconds | None:
    """Raises: InvalidField."""
    try:
        return None if text is None else moment(text)
    except ValueError as error:
        raise InvalidField.of("until", str(error)) from None
