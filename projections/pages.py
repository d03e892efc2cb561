"""Pages of history, as it is and as it was at any moment."""

from collections.abc import Sequence
from functools import partial
from typing import Any, TypedDict

import msgspec

from commands.errors import AfterBeyondHead, NotFound, RoomParked, Unavailable
from commands.subscription import Log, StoreUnavailable
from projections import history_statements as statements
from projections import items
from projections.hiding import hide_forgotten, hide_redacted, show_redacted
from projections.history_statements import Among, Kind, Past
from projections.page import Line, Moment, Page, cut
from projections.reading import Reading
from projections.waiting import Waits

LIMIT = 50
BEYOND = 2**62


class Wanted(TypedDict, total=False):
    """Which page: at most `limit` messages before or after a seq, around a seq or a time (`at`), or the newest.

    `thread` is a message's id: only those of its thread. `as_of` is a seq, `as_of_time` a time: the page is as it was
    then. Times are Unix ms. An `auditor` sees in the past what was redacted since.
    """

    before: int | None
    after: int | None
    around: int | None
    at: int | None
    limit: int
    thread: str | None
    as_of: int | None
    as_of_time: int | None
    auditor: bool


class Pages:
    """Reads pages of history, each from one snapshot."""

    def __init__(self, read: Reading, waits: Waits, log: Log) -> None:
        self._read = read
        self._waits = waits
        self._log = log

    async def read(self, room: str, wanted: Wanted) -> Page:
        """The page that is wanted. Raises: RoomParked, NotFound, AfterBeyondHead, ProjectionBehind, Unavailable."""
        page = await self._page(room, wanted)
        return page._replace(items=hide_forgotten(self._log, room, page.items, page.position))

    async def _page(self, room: str, wanted: Wanted) -> Page:
        among, thread = await self._among(room, wanted.get("thread"))
        (kind, place), past = _place(wanted), _past(wanted)
        parameters: dict[str, Any] = {
            "room": room,
            "thread": thread,
            kind: place,
            "limit": wanted.get("limit", LIMIT) + 1,
        }
        if past:
            parameters[past] = wanted[past]
        statement = statements.page(kind, among, past)
        rows = await self._read.rows(statement, parameters)
        if past == "as_of" and (as_of := wanted["as_of"] or 0) > _head(rows):
            await self._reach(room, as_of)
            rows = await self._read.rows(statement, parameters)
        page = _page(rows, kind, wanted)
        if page.moment and wanted.get("auditor"):
            return page._replace(items=await show_redacted(self._log, room, page.items, as_of=page.moment.as_of))
        if page.items and _is_behind(rows):
            return page._replace(items=await hide_redacted(self._log, room, page.items))
        return page

    async def _among(self, room: str, message_id: str | None) -> tuple[Among, str | int | None]:
        """Among which messages to look: which thread, or the seq of the only one.

        Raises: NotFound for a thread of a message that is not there.
        """
        if message_id is None:
            return "room", None
        rows = await self._read.rows(statements.THREAD, {"room": room, "message_id": message_id})
        if not rows:
            raise NotFound
        [(seq, thread)] = rows
        return ("message", seq) if thread is None else ("thread", thread)

    async def _reach(self, room: str, seq: int) -> None:
        """Wait until the read model has an event of a room.

        Raises: AfterBeyondHead when there is none, ProjectionBehind, Unavailable.
        """
        try:
            facts = await self._log.read_room(room, after=seq - 1, upto=seq, limit=1)
        except StoreUnavailable:
            raise Unavailable from None
        if not facts:
            raise AfterBeyondHead
        await self._waits.until("history", facts[0].recorded.position)


def check_not_parked(parked: object) -> None:
    """Raises: RoomParked."""
    if parked:
        raise RoomParked(retry_after_ms=5000)


def _place(wanted: Wanted) -> tuple[Kind, int]:
    """Where the page is."""
    kinds: tuple[Kind, ...] = ("after", "around", "at")
    for kind in kinds:
        if (place := wanted.get(kind)) is not None:
            return kind, place
    before = wanted.get("before")
    return "before", BEYOND if before is None else before


def _past(wanted: Wanted) -> Past | None:
    """What names the moment of the past as of which the page is wanted, if it is one of those."""
    pasts: tuple[Past, ...] = ("as_of_time", "as_of")
    return next((past for past in pasts if wanted.get(past) is not None), None)


def _head(rows: Sequence[tuple[Any, ...]]) -> int:
    return rows[0][0] or 0 if rows else 0


def _is_behind(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether the log knows more of the room than the page that these rows make."""
    return bool(rows) and (rows[0][1] or 0) > _head(rows)


def _page(rows: Sequence[tuple[Any, ...]], kind: Kind, wanted: Wanted) -> Page:
    """The page that these rows make. Raises: RoomParked."""
    if not rows:
        return Page([], found_oldest=True, found_newest=True, head_seq=0, position=0)
    _, _, position, parked, others, pivot, _, _, *past = rows[0]
    check_not_parked(parked)
    there = [row for row in rows if row[6] is not None]
    if not past:
        lines = sorted([(row[6], row[7]) for row in there])
    else:
        seen = partial(_as_it_was, auditor=wanted.get("auditor", False))
        lines = sorted((row[6], seen(*row[7:10])) for row in there)
    chosen, found_oldest, found_newest = _choose(lines, kind, wanted.get("limit", LIMIT), others, pivot)
    moment = Moment(past[4], past[2] or "", past[3] or "") if past else None
    return Page([item for _, item in chosen], found_oldest, found_newest, _head(rows), position, moment)


def _as_it_was(now: bytes, then: bytes | None, text: str | None, *, auditor: bool) -> bytes:
    """A message as it was then, if that is known to be different; what was redacted since says nothing."""
    if then is None:
        return now
    if items.is_redacted(now):
        return then if auditor else items.hidden(then)
    return items.with_text(then, items.text_of(now) if text is None else msgspec.json.encode(text))


def _choose(
    lines: list[Line], kind: Kind, limit: int, others: object, pivot: int | None
) -> tuple[list[Line], bool, bool]:
    """At most `limit` of the lines that were read, and whether they reach to the oldest and to the newest one."""
    match kind:
        case "before":
            return lines[-limit:], len(lines) <= limit, not others
        case "after":
            return lines[:limit], not others, len(lines) <= limit
        case _:
            older = [line for line in lines if line[0] <= (pivot or 0)]
            return cut(older, lines[len(older) :], limit)
