"""The raw stream of a room: every event, as it was decided."""

from typing import Any

import msgspec
from django.http import HttpResponse
from ninja import Query, Router

from api.answers import RoomEvents, send_json
from api.credentials import reader
from api.documentation import IN_ROOM, documented
from api.places import Label
from api.query import EventsQuery, StreamQuery
from api.requests import Request
from commands.clock import rfc3339
from commands.errors import InvalidField
from commands.events import wire_name
from commands.subscription import Fact, Log

MAX_READ = 5000
"""How many events one request looks at: one who asks for a rare type goes on from `read_to`."""

router = Router(tags=["events"])


@router.get("/{label}/events", operation_id="read_events", **documented({200: RoomEvents}, IN_ROOM, InvalidField))
async def read_events(request: Request, label: Label, wanted: Query[EventsQuery]) -> HttpResponse:
    """A room's events after a seq. What you may not see is a stub: its place is kept, its data empty.

    Auditors see what was redacted, and from where each event came.
    """
    who = await reader(request)
    rules = await request.handlers.rules(label, who)
    head = await request.log.head(label)
    after, last = await _bounds(request.log, label, wanted, head)
    facts, read_to = await _read(request.log, label, wanted, after, last, auditor=who.auditor)
    told = [item(fact, auditor=who.auditor) for fact in facts]
    body = msgspec.json.encode({"items": told, "head_seq": head, "read_to": head if read_to == last else read_to})
    return send_json(body, private=who.auditor or rules.visibility == "private")


async def _bounds(log: Log, room: str, wanted: EventsQuery, head: int) -> tuple[int, int]:
    """After which seq to read, and up to which."""
    after, last = wanted.after, head
    if wanted.since is not None:
        after = max(after, await log.seq_at(room, wanted.since - 1))
    if wanted.until is not None:
        last = min(last, await log.seq_at(room, wanted.until))
    return min(after, last), last


async def _read(
    log: Log, room: str, wanted: EventsQuery, after: int, last: int, *, auditor: bool
) -> tuple[list[Fact], int]:
    """The events that are wanted, and the seq up to which the stream was read for them."""
    found: list[Fact] = []
    read_to = after
    last = min(last, read_to + MAX_READ)
    while read_to < last and len(found) < wanted.limit:
        facts = await log.read_room(room, after=read_to, upto=last, limit=wanted.limit, auditor=auditor)
        if not facts:
            break
        for fact in facts:
            if len(found) == wanted.limit:
                break
            read_to = fact.recorded.seq
            if is_wanted(fact, wanted):
                found.append(fact)
    return found, read_to


def is_wanted(fact: Fact, wanted: EventsQuery | StreamQuery) -> bool:
    """Whether an event is of the types, and concerns the person, that are asked for."""
    if wanted.types and wire_name(fact.recorded.topic) not in wanted.types.split(","):
        return False
    return wanted.person is None or wanted.person in (fact.event and fact.event.actor, getattr(fact.event, "person", 0))


def item(fact: Fact, *, auditor: bool) -> dict[str, Any]:
    """An event as it is told; for auditors with its origin."""
    recorded, event, stub = fact
    told = {
        "seq": recorded.seq,
        "position": recorded.position,
        "event": wire_name(recorded.topic),
        "subject": recorded.subject,
        "actor": event.actor if event else None,
        "occurred_at": rfc3339(event.occurred_at) if event else None,
        "data": event.data if event and not stub else {},
    }
    if auditor and event:
        told |= {"request_id": event.request_id, "address": event.address, "client": event.client}
    if stub:
        told["stub"] = "hidden" if stub == "broken" else stub
    return told
