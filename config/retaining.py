"""Keeping what is said for as long as its room says: once an hour the keys of the days that are over are destroyed."""

import asyncio
import logging
import secrets

from commands.administration import Administration
from commands.clock import now_ms
from commands.days import before, begin_of, day_of
from commands.erasing import Expire
from commands.errors import LegalHold, Refusal
from commands.identity import Caller
from commands.subscription import Log, StoreUnavailable
from projections.queries import Queries

log = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_S = 30.0
ACTOR = "bot:retention"


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

    async def once(self) -> list[str]:
        """End what is over; answers the rooms whose days ended. What is held is left. Raises: Refusal."""
        ended: list[str] = []
        after = ""
        while rooms := await self._queries.retained(after=after):
            for room, days, since in rooms:
                if await self._end(room, since, before(day_of(now_ms()), days)):
                    ended.append(room)
            after = rooms[-1][0]
        return ended

    async def _end(self, room: str, since: str, day: str) -> bool:
        if self._log.erasures.over_before(room) >= begin_of(day):
            return False
        caller = Caller(person=ACTOR, handle="retention", request_id=secrets.token_hex(16))
        try:
            ruling = await self._administration.carry_out(Expire(room=room, since=since, before=day), caller)
        except LegalHold as held:
            log.info("%s keeps what is over: %s", room, held.detail)
            return False
        return ruling.changed

    async def _run(self) -> None:
        await asyncio.sleep(FIRST_S)
        while True:
            try:
                await self.once()
            except (Refusal, StoreUnavailable) as error:
                log.warning("what is over is ended later: %r", error)
            except Exception:
                log.exception("what is over could not be ended")
            await asyncio.sleep(EVERY_S)
