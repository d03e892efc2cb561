"""The reading API: pages of history, rooms, messages, and how far the projections are. Async from end to end."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Unpack

import msgspec

from commands.clock import Milliseconds, now_ms, rfc3339
from commands.subscription import Log
from projections import statements
from projections.hiding import hide_forgotten, hide_redacted
from projections.page import Page
from projections.pages import Pages, Wanted, check_not_parked
from projections.proofs import Proofs
from projections.reading import Reading, reading
from projections.waiting import Waits
from projections.walk import Walks

__all__ = ["Page", "ProjectionStatus", "Queries", "RebuildStatus", "Retained", "Tape", "Wanted"]

STOPPED_MS = 60_000
"""A rebuild that has not moved for so long has stopped."""


class RebuildStatus(NamedTuple):
    """How far a version beside is: `building`, `comparing`, `returning` (to use), or `stopped` until it goes on.

    Times are Unix milliseconds. The rate is that of this run; there is none before something was done.
    """

    state: str
    position: int
    target: int
    events_per_s: float
    eta_s: float | None
    began_at: int


class ProjectionStatus(NamedTuple):
    """How far a projection is: its checkpoint, its lag in events and seconds, the rooms it set aside, its rebuild."""

    name: str
    position: int
    lag_events: int
    lag_s: float
    heartbeat_age_s: float | None
    parked: list[str]
    rebuild: RebuildStatus | None = None


class Tape(NamedTuple):
    """The head of a room's history, and (seq, Unix ms) of some of its messages, ascending."""

    head_seq: int
    points: list[tuple[int, int]]


class Retained(NamedTuple):
    """A room that is kept for some days only, and since which; when it was opened, and when something last happened."""

    room: str
    days: int
    since: str
    opened_at: Milliseconds
    room_time: Milliseconds


class Queries:
    """Reads the read models, by key and from one snapshot each. The log only tells how far they could be."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._read: Reading = reading()
        self._waits = Waits(self._read)
        self._pages = Pages(self._read, self._waits, log)
        self.proofs = Proofs(self._read)
        self.walks = Walks(self._read, self.proofs)

    async def open(self) -> None:
        """Connect."""
        await self._read.open()

    async def close(self) -> None:
        """Close every connection."""
        self._waits.cancel()
        await self._read.close()

    async def page(self, room: str, *, min_position: int | None = None, **wanted: Unpack[Wanted]) -> Page:
        """A page of a room's history: see `Wanted`. A room that the read model does not know gives an empty page.

        One statement, whatever the size of the room. What was redacted by now is hidden, also where the read model
        does not know it yet, but from an auditor who asks for the past.
        Raises: ProjectionBehind, RoomParked, NotFound for a thread that is none, AfterBeyondHead, Unavailable.
        """
        await self._waits.until("history", min_position)
        return await self._pages.read(room, wanted)

    async def tape(self, room: str, *, points: int = 200) -> Tape:
        """How a room's messages are spread over time: their seqs and times, at even steps of seq.

        Raises: RoomParked, Unavailable.
        """
        rows = await self._read.rows(statements.TAPE, {"room": room, "points": points})
        check_not_parked(rows and rows[0][1])
        times = {seq: time for _, _, seq, time in sorted(rows, key=lambda row: row[2] or 0) if seq is not None}
        return Tape(rows[0][0] if rows else 0, list(times.items()))

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
        await self._waits.until("directory", min_position)
        rows = await self._read.rows(statements.ROOM, {"room": room})
        for *row, parked in rows:
            check_not_parked(parked)
            return _room(tuple(row)) if row[0] is not None else None
        return None

    async def message(self, room: str, message_id: str, *, min_position: int | None = None) -> bytes | None:
        """One message as JSON, if the history has it. Raises: ProjectionBehind, RoomParked, Unavailable."""
        await self._waits.until("history", min_position)
        rows = await self._read.rows(statements.MESSAGE, {"room": room, "message_id": message_id})
        for item, parked, is_behind, position in rows:
            check_not_parked(parked)
            if item is None:
                return None
            seen = hide_forgotten(self._log, room, [item], position or 0)
            return (await hide_redacted(self._log, room, seen) if is_behind else seen)[0]
        return None

    async def took_part(self, room: str, persons: Sequence[str], *, min_position: int) -> list[str]:
        """Those of these people who did something in a room by a position. Raises: ProjectionBehind, Unavailable.

        A look for each: they are the few who are held.
        """
        await self._waits.until("people", min_position)
        took_part = statements.TOOK_PART
        return [each for each in persons if await self._read.rows(took_part, {"person": each, "room": room})]

    async def retained(self, *, after: str = "", limit: int = 500) -> list[Retained]:
        """The next rooms by label whose record is kept for some days only. Raises: Unavailable."""
        wanted = {"after": after, "limit": limit}
        return [Retained(*row) for row in await self._read.rows(statements.RETAINED, wanted)]

    async def events_of(self, person: str, *, after: int, upto: int, limit: int) -> list[int]:
        """The positions of the next events that a person did or that are about them, up to one that is reached.

        Raises: ProjectionBehind, Unavailable.
        """
        await self._waits.until("people", upto)
        wanted = {"person": person, "after": after, "upto": upto, "limit": limit}
        return [position for (position,) in await self._read.rows(statements.EVENTS_OF, wanted)]

    async def wait_for(self, projection: str, position: int) -> None:
        """Wait, for a bounded time, until a projection has come so far. Raises: ProjectionBehind, Unavailable."""
        await self._waits.until(projection, position)

    async def rooms_of(self, person: str, *, min_position: int) -> list[str]:
        """The rooms in which a person did something by a position. Raises: ProjectionBehind, Unavailable."""
        await self._waits.until("people", min_position)
        return [room for (room,) in await self._read.rows(statements.ROOMS_OF, {"person": person})]

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
                _rebuild(position, *beside),
            )
            for name, position, heartbeat_at, *beside in rows
        ]

    async def _lag_s(self, position: int) -> float:
        waiting = await self._log.read_all(after=position, limit=1)
        event = waiting[0].event if waiting else None
        return max(0.0, (now_ms() - event.occurred_at) / 1000) if event else 0.0


def _rebuild(
    target: int, state: str | None, position: int | None, seen_at: int | None, began_at: int, began_from: int
) -> RebuildStatus | None:
    if state is None or position is None or seen_at is None:
        return None
    rate = (position - began_from) * 1000 / max(1, seen_at - began_at)
    eta_s = max(0, target - position) / rate if rate else None
    stopped = now_ms() - max(seen_at, began_at) > STOPPED_MS
    return RebuildStatus("stopped" if stopped else state, position, target, rate, eta_s, began_at)


def _room(row: tuple[Any, ...]) -> bytes:
    label, title, topic, visibility, archived, slow_mode_s, retain_days, owner, opened_at, head_seq, count, last_at = (
        row
    )
    return msgspec.json.encode(
        {
            "label": label,
            "title": title,
            "topic": topic,
            "visibility": visibility,
            "archived": bool(archived),
            "slow_mode_s": slow_mode_s,
            "retain_days": retain_days,
            "owner": owner,
            "opened_at": rfc3339(opened_at),
            "head_seq": head_seq,
            "message_count": count,
            "last_message_at": None if last_at is None else rfc3339(last_at),
        }
    )
