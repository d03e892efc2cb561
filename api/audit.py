"""Everything that happened on the server, in its one order, for auditors: in rooms, to people, and what was refused."""

import msgspec
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from api.answers import PERSON, TIME, Answer, RoomEvent, example, send_json
from api.credentials import AUDITORS
from api.documentation import documented
from api.events import MAX_READ, is_wanted, item
from api.query import StreamQuery
from api.requests import Request
from commands.errors import Forbidden, InvalidField, ProjectionBehind
from commands.subscription import Fact

PAGE = 500

router = Router(tags=["events"])


class StreamEvent(RoomEvent):
    """One event of the whole log."""

    model_config = example(
        stream="people",
        seq=1,
        position=433,
        event="person.held",
        subject=f"person:{PERSON}",
        actor="bot:auditor-0123abcd",
        occurred_at=TIME,
        data={"person": PERSON, "reason": "Case 12-345"},
        request_id="5f0c2b",
        address="192.0.2.7",
        client="curl/8.5",
    )

    stream: str = Field(description="The room's label; `people`, or `refused`, for what belongs to no room")


class StreamEvents(Answer):
    """A part of the whole log, by rising position."""

    items: list[StreamEvent]
    last_position: int = Field(description="The last position of the log")
    read_to: int = Field(description="How far it was read: ask on with `after` = this")


@router.get(
    "",
    auth=AUDITORS,
    operation_id="read_all_events",
    **documented({200: StreamEvents}, Forbidden, InvalidField, ProjectionBehind),
)
async def read_all_events(request: Request, wanted: Query[StreamQuery]) -> HttpResponse:
    """Who did what, when, from where and why: every event after a position, for auditors.

    What belongs together has one `request_id`. Of a person, events are found by index; of types, by looking at so
    many: go on from `read_to` until it is `last_position`.
    """
    log = request.log
    end = last = await log.last_position()
    after = wanted.after
    if wanted.since is not None:
        after = max(after, await log.position_at(wanted.since - 1))
    if wanted.until is not None:
        end = min(end, await log.position_at(wanted.until))
    facts, read_to = await _read(request, wanted, min(after, end), end)
    told = [item(fact, auditor=True) | {"stream": fact.recorded.stream} for fact in facts]
    read_to = last if read_to == end else read_to
    return send_json(msgspec.json.encode({"items": told, "last_position": last, "read_to": read_to}))


async def _read(request: Request, wanted: StreamQuery, after: int, end: int) -> tuple[list[Fact], int]:
    """The events that are wanted, and the position up to which they were looked for."""
    found: list[Fact] = []
    looked_at = 0
    while after < end and len(found) < wanted.limit and looked_at < MAX_READ:
        facts = [fact for fact in await _next(request, wanted, after, end) if fact.recorded.position <= end]
        if not facts:
            return found, end
        for fact in facts[: MAX_READ - looked_at]:
            after = fact.recorded.position
            looked_at += 1
            if is_wanted(fact, wanted):
                found.append(fact)
            if len(found) == wanted.limit:
                break
    return found, after


async def _next(request: Request, wanted: StreamQuery, after: int, end: int) -> list[Fact]:
    """The next events that may be wanted."""
    if wanted.person is None:
        return await request.log.read_all(after=after, limit=PAGE)
    positions = await request.queries.events_of(wanted.person, after=after, upto=end, limit=PAGE)
    return await request.log.read_at(positions)
