"""People, for auditors: erase somebody, hold them, and what is known of both."""

import msgspec
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from api.answers import PERSON, Answer, example, send_json
from api.bodies import NewHold
from api.credentials import AUDITORS, caller
from api.documentation import BODY, IN_ROOM, documented
from api.places import Person
from api.query import ReasonQuery
from api.requests import Request
from commands.administration import Ruling
from commands.erasing import Erase, Hold, Release
from commands.errors import Forbidden, Gone, InvalidField, LegalHold, Overloaded, ProjectionBehind
from commands.member import check_person
from commands.people import person_subject

NO_REASON = NewHold()

router = Router(tags=["people"])


class Ruled(Answer):
    """Where the event about a person is, in the stream of people; when nothing changed, the last one about them."""

    model_config = example(person=PERSON, seq=3, position=432)

    person: str
    seq: int
    position: int
    changed: bool | None = Field(None, description="Only there, and false, when nothing changed")


class Standing(Answer):
    """What is known of a person, whatever the room."""

    model_config = example(person=PERSON, erased=False, held=True)

    person: str
    erased: bool
    held: bool = Field(description="Whether there is a legal hold on them")


@router.get(
    "/{person}", auth=AUDITORS, operation_id="read_person", **documented({200: Standing}, Forbidden, InvalidField)
)
async def read_person(request: Request, person: Person) -> HttpResponse:
    """Whether a person was erased, and whether they are held. Somebody of whom nothing is known is neither."""
    check_person(person)
    known = await request.administration.standing(person_subject(person))
    members = {"person": person, "erased": known.erased is not None, "held": known.is_held(person)}
    return send_json(msgspec.json.encode(members))


@router.delete(
    "/{person}",
    auth=AUDITORS,
    operation_id="erase_person",
    **documented({200: Ruled}, IN_ROOM, Forbidden, Gone, InvalidField, LegalHold, Overloaded, ProjectionBehind),
)
async def erase_person(request: Request, person: Person, wanted: Query[ReasonQuery]) -> HttpResponse:
    """Destroy a person's key, for good: what was personal in their events can be read by nobody any more.

    When this answers, the key is gone. Whatever has opened something with it forgets within a second. What they said
    stays in its place, and says nothing. A legal hold on them, or on a room in which they took part, refuses.
    """
    return _ruled(
        person, await request.administration.carry_out(Erase(person=person, reason=wanted.reason), caller(request))
    )


@router.put(
    "/{person}/hold",
    auth=AUDITORS,
    operation_id="hold_person",
    **documented({200: Ruled}, IN_ROOM, BODY, Forbidden, Gone, Overloaded),
)
async def hold_person(request: Request, person: Person, hold: NewHold = NO_REASON) -> HttpResponse:
    """A legal hold: a person cannot be erased until they are released. Only auditors see it."""
    return _ruled(
        person, await request.administration.carry_out(Hold(person=person, reason=hold.reason), caller(request))
    )


@router.delete(
    "/{person}/hold",
    auth=AUDITORS,
    operation_id="release_person",
    **documented({200: Ruled}, IN_ROOM, Forbidden, Gone, InvalidField, Overloaded),
)
async def release_person(request: Request, person: Person, wanted: Query[ReasonQuery]) -> HttpResponse:
    """End the legal hold on a person."""
    return _ruled(
        person, await request.administration.carry_out(Release(person=person, reason=wanted.reason), caller(request))
    )


def _ruled(person: str, ruling: Ruling) -> HttpResponse:
    members: dict[str, object] = {"person": person, "seq": ruling.seq, "position": ruling.position}
    return send_json(msgspec.json.encode(members if ruling.changed else members | {"changed": False}))
