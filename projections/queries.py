"""The reading API: pages of history, rooms, messages, and how far the projections are. Async from end to end."""

import asyncio
from typing import Any, NamedTuple

import msgspec

from commands.clock import now_ms, rfc3339
from commands.errors import ProjectionBehind, RoomParked
from commands.subscription import Log
from projections import statements
from projections.hiding import hide_redacted
from projections.page import Line, Page, cut
from projections.reading import Reading, reading

__all__ = ["Page", "ProjectionStatus", "Queries"]

WAIT_S = 2.0
LOOK_EVERY_S = 0.02
BEYOND = 2**62


class ProjectionStatus(NamedTuple):
    """How far a projection is: its checkpoint, its lag in events and seconds, the rooms it set aside."""

    name: str
    position: int
    lag_events: int
    lag_s: float
    heartbeat_age_s: float | None
    parked: list[str]


class Queries:
    """Reads the read models, by key and from one snapshot each. The log only tells how far they could be."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._read: Reading = reading()
        self._waits: dict[str, _Wait] = {}

    async def open(self) -> None:
        """Connect."""
        await self._read.open()

    async def close(self) -> None:
        """Close every connection."""
        for wait in self._waits.values():
            wait.cancel()
        await self._read.close()

    async def page(
        self,
        room: str,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        at: int | None = None,
        limit: int = 50,
        min_position: int | None = None,
    ) -> Page:
        """At most `limit` messages: those before or after a seq, around a seq or a time (Unix ms), or the newest.

        One statement, whatever the size of the room; a room that the read model does not know gives an empty page.
        What was redacted by now is hidden, also where the read model does not know it yet.
        Raises: ProjectionBehind, RoomParked, Unavailable.
        """
        await self._wait_for("history", min_position)
        if around is not None or at is not None:
            found = await self._around(room, around, at, limit)
        else:
            found = await self._beside(room, before, after, limit)
        return found._replace(items=await hide_redacted(self._log, room, found.items, head_seq=found.head_seq))

    async def rooms(
        self, person: str | None, *, after: str | None = None, limit: int = 50
    ) -> tuple[list[bytes], str | None]:
        """Rooms by label as JSON, the public ones and the person's own, and the label to go on after if there are more.

        Raises: Unavailable.
        """
        rows = await self._read.rows(
            statements.ROOMS, {"person": person or "", "after": after or "", "limit": limit + 1}
        )
        more = rows[limit - 1][0] if len(rows) > limit else None
        return [_room(row) for row in rows[:limit]], more

    async def room(self, room: str, *, min_position: int | None = None) -> bytes | None:
        """One room as JSON, if the directory knows it. Raises: ProjectionBehind, RoomParked, Unavailable."""
        await self._wait_for("directory", min_position)
        rows = await self._read.rows(statements.ROOM, {"room": room})
        for *row, parked in rows:
            _check_not_parked(parked)
            return _room(tuple(row)) if row[0] is not None else None
        return None

    async def message(self, room: str, message_id: str, *, min_position: int | None = None) -> bytes | None:
        """One message as JSON, if the history has it. Raises: ProjectionBehind, RoomParked, Unavailable."""
        await self._wait_for("history", min_position)
        rows = await self._read.rows(statements.MESSAGE, {"room": room, "message_id": message_id})
        for item, parked in rows:
            _check_not_parked(parked)
            seen = await hide_redacted(self._log, room, [] if item is None else [bytes(item)], head_seq=0)
            return seen[0] if seen else None
        return None

    async def projections(self) -> list[ProjectionStatus]:
        """Every projection's status, by name. Raises: Unavailable, StoreUnavailable."""
        rows = await self._read.rows(statements.CHECKPOINTS, {})
        parked = await self._read.rows(statements.PARKED, {})
        last = await self._log.last_position()
        return [
            ProjectionStatus(
                name,
                position,
                max(0, last - position),
                await self._lag_s(position) if last > position else 0.0,
                (now_ms() - heartbeat_at) / 1000,
                [room for projection, room in parked if projection == name],
            )
            for name, position, heartbeat_at in rows
        ]

    async def _beside(self, room: str, before: int | None, after: int | None, limit: int) -> Page:
        if after is not None:
            rows = await self._read.rows(statements.AFTER, {"room": room, "after": after, "limit": limit + 1})
            head, position, others, lines = _parts(rows)
            return _page(lines[:limit], not others, len(lines) <= limit, head, position)
        seq = BEYOND if before is None else before
        rows = await self._read.rows(statements.BEFORE, {"room": room, "before": seq, "limit": limit + 1})
        head, position, others, lines = _parts(rows)
        return _page(lines[-limit:], len(lines) <= limit, not others, head, position)

    async def _around(self, room: str, around: int | None, at: int | None, limit: int) -> Page:
        statement = statements.AROUND if at is None else statements.AT
        pivot = {"around": around} if at is None else {"at": at}
        rows = await self._read.rows(statement, {"room": room, "limit": limit + 1, **pivot})
        head, position, _, lines = _parts(rows)
        centre = rows[0][4] or 0 if rows else 0
        older = [line for line in lines if line[0] <= centre]
        newer = [line for line in lines if line[0] > centre]
        chosen, found_oldest, found_newest = cut(older, newer, limit)
        return _page(chosen, found_oldest, found_newest, head, position)

    async def _lag_s(self, position: int) -> float:
        waiting = await self._log.read_all(after=position, limit=1)
        event = waiting[0].event if waiting else None
        return max(0.0, (now_ms() - event.occurred_at) / 1000) if event else 0.0

    async def _wait_for(self, projection: str, position: int | None) -> None:
        """Wait until a projection has come that far, at most 2 s. Raises: ProjectionBehind, Unavailable."""
        if position is not None:
            wait = self._waits.get(projection)
            if wait is None:
                wait = self._waits[projection] = _Wait(self._read, projection)
            await wait.until(position)


class _Wait:
    """Everybody in this process who waits for one projection shares one look at its checkpoint."""

    def __init__(self, read: Reading, projection: str) -> None:
        self._read = read
        self._projection = projection
        self._reached = 0
        self._looking: asyncio.Task[None] | None = None

    async def until(self, position: int) -> None:
        """Raises: ProjectionBehind, Unavailable."""
        deadline = asyncio.get_running_loop().time() + WAIT_S
        while self._reached < position:
            if asyncio.get_running_loop().time() > deadline:
                raise ProjectionBehind(retry_after_ms=1000)
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
                self._looking.add_done_callback(_forgive)
            await asyncio.shield(self._looking)

    def cancel(self) -> None:
        """Look no more."""
        if self._looking:
            self._looking.cancel()

    async def _look(self) -> None:
        rows = await self._read.rows(statements.CHECKPOINT, {"projection": self._projection})
        reached = rows[0][0] if rows else 0
        if reached == self._reached:
            await asyncio.sleep(LOOK_EVERY_S)
        self._reached = max(self._reached, reached)


def _forgive(looking: asyncio.Task[None]) -> None:
    """Whoever still waits hears of the failure; if all have gone away, nobody needs to."""
    if not looking.cancelled():
        looking.exception()


def _parts(rows: Any) -> tuple[int, int, bool, list[Line]]:
    """Head, position, whether there are messages on the other side, and the lines by rising seq. Raises: RoomParked."""
    if not rows:
        return 0, 0, False, []
    head, position, parked, others, *_ = rows[0]
    _check_not_parked(parked)
    lines = [(row[5], bytes(row[6])) for row in rows if row[5] is not None]
    return head or 0, position, bool(others), sorted(lines)


def _page(lines: list[Line], found_oldest: bool, found_newest: bool, head: int, position: int) -> Page:
    return Page([item for _, item in lines], found_oldest, found_newest, head, position)


def _check_not_parked(parked: object) -> None:
    if parked:
        raise RoomParked(retry_after_ms=5000)


def _room(row: tuple[Any, ...]) -> bytes:
    label, title, topic, visibility, archived, slow_mode_s, owner, opened_at, head_seq, count, last_at = row
    return msgspec.json.encode(
        {
            "label": label,
            "title": title,
            "topic": topic,
            "visibility": visibility,
            "archived": bool(archived),
            "slow_mode_s": slow_mode_s,
            "owner": owner,
            "opened_at": rfc3339(opened_at),
            "head_seq": head_seq,
            "message_count": count,
            "last_message_at": None if last_at is None else rfc3339(last_at),
        }
    )
