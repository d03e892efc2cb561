"""Keeping what is said for as long as its room says: once an hour the keys of the days that are over are destroyed."""

import asyncio
import logging
import secrets
from collections.abc import Iterator
from typing import NamedTuple

from commands.administration import Administration
from commands.clock import now_ms
from commands.days import before, begin_of, day_of
from commands.erasing import Expire
from commands.errors import LegalHold, ProjectionBehind, Refusal
from commands.identity import Caller
from commands.subscription import Log, StoreUnavailable
from projections.queries import Queries, Retained

log = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_S = 30.0
BEHIND_S = 10.0
"""When it goes on where it had to wait for a read model."""
STEP_DAYS = 30
"""Days that end at a time: the history forgets them in one transaction."""
ACTOR = "bot:retention"


class Outcome(NamedTuple):
    """What became of the days of a room that are over: they ended, or why they did not."""

    room: str
    kept: Refusal | None = None


class Retaining:
    """Ends the days of rooms. Every process of a deployment may: what one has ended the others leave."""

    def __init__(self, administration: Administration, queries: Queries, log: Log) -> None:
        self._administration = administration
        self._queries = queries
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look, now and then."""
        self._task = asyncio.create_task(self._run(), name="retention")

    async def stop(self) -> None:
        """Look no more."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def once(self) -> list[Outcome]:
        """End what is over, and finish what was cut off. Answers for every room of which something is, or was, over.

        A room whose days cannot be ended, since they are held or for what reason ever, keeps no other one.
        Raises: Unavailable, StoreUnavailable.
        """
        await self._log.hear_of_people()
        outcomes: list[Outcome] = []
        after = ""
        while rooms := await self._queries.retained(after=after):
            for each in rooms:
                day = before(day_of(now_ms()), each.days)
                if self._is_due(each, day):
                    outcomes.append(Outcome(each.room, await self._end(each, day)))
            after = rooms[-1].room
        return outcomes

    def _is_due(self, room: Retained, day: str) -> bool:
        """Whether something may be over that is not known to be. In a new room, or one that is silent, nothing is."""
        over = self._log.erasures.over_before(room.room)
        return max(over, room.opened_at) < begin_of(day) and over <= room.room_time

    async def _end(self, room: Retained, day: str) -> Refusal | None:
        """Raises: StoreUnavailable."""
        caller = Caller(person=ACTOR, handle="retention", request_id=secrets.token_hex(16))
        over = day_of(max(self._log.erasures.over_before(room.room), room.opened_at))
        try:
            for until in _steps(over, day):
                command = Expire(room=room.room, since=room.since, before=until)
                ruling = await self._administration.carry_out(command, caller)
                if until != day:
                    await self._queries.wait_for("history", ruling.position)
        except Refusal as refusal:
            level = logging.INFO if isinstance(refusal, LegalHold | ProjectionBehind) else logging.WARNING
            log.log(level, "%s keeps what is over: %s", room.room, refusal.detail)
            return refusal
        return None

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            outcomes: list[Outcome] = []
            try:
                outcomes = await self.once()
            except (Refusal, StoreUnavailable) as error:
                log.warning("what is over is ended later: %r", error)
            except Exception:
                log.exception("what is over could not be ended")
            is_behind = any(isinstance(each.kept, ProjectionBehind) for each in outcomes)
            await asyncio.sleep(BEHIND_S if is_behind else EVERY_S)


def _steps(over: str, day: str) -> Iterator[str]:
    """The days before which something is over, one after the other, up to the one that is wanted."""
    while (over := before(over, -STEP_DAYS)) < day:
        yield over
    yield day
