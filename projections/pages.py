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
from projections.history_statements import Among, Kind
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
        as_of = await self._moment(room, wanted)
        kind, place = _place(wanted, as_of)
        parameters = {"room": room, "limit": wanted.get("limit", LIMIT) + 1, kind: place}
        if thread is not None:
            parameters["thread"] = thread
        if as_of is None:
            rows = await self._read.rows(statements.page(kind, among), parameters)
        else:
            rows = await self._past_rows(room, statements.page(kind, among, past=True), parameters | {"as_of": as_of})
        page = _page(rows, kind, wanted, as_of)
        if as_of is not None and wanted.get("auditor"):
            return page._replace(items=await show_redacted(self._log, room, page.items, as_of=as_of))
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

    async def _moment(self, room: str, wanted: Wanted) -> int | None:
        """The seq as of which the page is wanted, if it is one of the past."""
        time = wanted.get("as_of_time")
        if time is None:
            return wanted.get("as_of")
        [(seq,)] = await self._read.rows(statements.MOMENT, {"room": room, "time": time})
        return int(seq or 0)

    async def _past_rows(self, room: str, statement: str, parameters: dict[str, Any]) -> Sequence[tuple[Any, ...]]:
        """The rows of a page of the past, if need be once the read model has come so far.

        Raises: AfterBeyondHead when nothing has, ProjectionBehind, Unavailable.
        """
        as_of: int = parameters["as_of"]
        rows = await self._read.rows(statement, parameters)
        if as_of > _head(rows):
            try:
                facts = await self._log.read_room(room, after=as_of - 1, upto=as_of, limit=1)
            except StoreUnavailable:
                raise Unavailable from None
            if not facts:
                raise AfterBeyondHead
            await self._waits.until("history", facts[0].recorded.position)
            rows = await self._read.rows(statement, parameters)
        return rows


def check_not_parked(parked: object) -> None:
    """Raises: RoomParked."""
    if parked:
        raise RoomParked(retry_after_ms=5000)


def _place(wanted: Wanted, as_of: int | None) -> tuple[Kind, int]:
    """Where the page is; in the past no seq beyond that moment, which would be the same page."""
    last = BEYOND if as_of is None else as_of
    kinds: tuple[Kind, ...] = ("after", "around")
    for kind in kinds:
        if (place := wanted.get(kind)) is not None:
            return kind, min(place, last)
    if (time := wanted.get("at")) is not None:
        return "at", time
    before = wanted.get("before")
    return "before", last + 1 if before is None else min(before, last + 1)


def _head(rows: Sequence[tuple[Any, ...]]) -> int:
    return rows[0][0] or 0 if rows else 0


def _is_behind(rows: Sequence[tuple[Any, ...]]) -> bool:
    """Whether the log knows more of the room than the page that these rows make."""
    return bool(rows) and (rows[0][1] or 0) > _head(rows)


def _page(rows: Sequence[tuple[Any, ...]], kind: Kind, wanted: Wanted, as_of: int | None) -> Page:
    """The page that these rows make. Raises: RoomParked."""
    if not rows:
        return Page([], found_oldest=True, found_newest=True, head_seq=0, position=0)
    _, _, position, parked, others, pivot, *_ = rows[0]
    check_not_parked(parked)
    there = [row for row in rows if row[6] is not None]
    if as_of is None:
        lines = sorted([(row[6], row[7]) for row in there])
    else:
        seen = partial(_as_it_was, auditor=wanted.get("auditor", False))
        lines = sorted((row[6], seen(*row[7:10])) for row in there)
    chosen, found_oldest, found_newest = _choose(lines, kind, wanted.get("limit", LIMIT), others, pivot)
    moment = None if as_of is None else Moment(as_of, rows[0][10] or "", rows[0][11] or "")
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
