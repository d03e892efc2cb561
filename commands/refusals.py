"""What was refused, recorded for auditors: off the path of whoever asks, and never more than so much a minute.

The first refusal of a person in a room for a reason is recorded within a second. Later ones of the same minute are
counted, and recorded together when it is over. So somebody who hammers costs two events a minute.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from commands.clock import now_ms
from commands.errors import Refusal
from commands.events import Cause, Numbered
from commands.identity import Caller
from commands.keyring import Erased
from commands.people import REFUSED, CommandRefused
from commands.sealing import Mapper
from commands.store import Condition, Entry, StoreUnavailable
from commands.writer import Writer

log = logging.getLogger(__name__)

MOST_A_MINUTE = 60
"""Kinds of refusals (a person, a room, a command, a code) that one process records in a minute."""
EVERY_S = 1.0
MINUTE_S = 60.0
STOP_S = 1.0


class Kind(NamedTuple):
    """What is counted together."""

    person: str
    room: str
    command: str
    code: str


class Counted:
    """How often it happened since it was last recorded, and who did it last."""

    __slots__ = ("caller", "count", "is_told")

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.count = 0
        self.is_told = False


class Refusals:
    """Takes note of refusals, and records them. What cannot be recorded is tried again; `left_out` were too many."""

    def __init__(self, mapper: Mapper, writer: Writer) -> None:
        self.left_out = 0
        self._mapper = mapper
        self._writer = writer
        self._now: dict[Kind, Counted] = {}
        self._over: dict[Kind, Counted] = {}
        self._began = 0.0
        self._recording: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to record."""
        self._began = asyncio.get_running_loop().time()
        self._recording = asyncio.create_task(self._run(), name="refusals")

    async def stop(self) -> None:
        """Record what was noted, as far as the store takes it, and end."""
        if self._recording:
            self._recording.cancel()
            await asyncio.gather(self._recording, return_exceptions=True)
        self._turn_over()
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._record()

    def note(self, command: str, room: str, code: str, caller: Caller) -> None:
        """Somebody was told no. Costs next to nothing."""
        kind = Kind(caller.person, room, command, code)
        counted = self._now.get(kind)
        if counted is None:
            if len(self._now) >= MOST_A_MINUTE:
                self.left_out += 1
                return
            counted = self._now[kind] = Counted(caller)
        counted.count += 1
        counted.caller = caller

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._beat()
            except Exception:
                log.exception("what was refused could not be recorded")

    async def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._began >= MINUTE_S:
            self._began = now
            self._turn_over()
        await self._record()

    def _turn_over(self) -> None:
        """A minute is over: what of it was not recorded yet is due, and counting begins anew."""
        if self.left_out:
            log.warning("%d refusals are recorded nowhere: there were too many kinds in a minute", self.left_out)
            self.left_out = 0
        for kind, counted in self._now.items():
            if counted.count and len(self._over) < MOST_A_MINUTE:
                self._over[kind] = counted
        self._now = {}

    async def _record(self) -> None:
        due = [*self._over.items(), *(each for each in self._now.items() if not each[1].is_told)]
        try:
            for kind, counted in due:
                await self._record_one(kind, counted)
                self._over.pop(kind, None)
        except (Refusal, StoreUnavailable) as error:
            log.info("what was refused is recorded later: %r", error)

    async def _record_one(self, kind: Kind, counted: Counted) -> None:
        """Raises: Refusal, StoreUnavailable: then it stays counted."""
        count = counted.count
        try:
            await self._mapper.keyring.ensure(kind.person)
            await self._writer.submit(_Refused(self._mapper, kind, counted.caller, count))
        except Erased:
            pass
        counted.count -= count
        counted.is_told = True


class _Refused:
    """A refusal on its way into the log: the writer's proposal, which nothing can speak against."""

    def __init__(self, mapper: Mapper, kind: Kind, caller: Caller, count: int) -> None:
        cause = Cause(kind.person, now_ms(), caller.request_id, caller.address, caller.client)
        event = CommandRefused(
            **cause.stamp(),
            refusal_id=secrets.token_hex(16),
            room=kind.room,
            command=kind.command,
            code=kind.code,
            count=count,
        )
        self.lane = (REFUSED, kind.person)
        self.entry = Entry(REFUSED, [Condition(event.subject, 0)], [mapper.seal(REFUSED, event)])

    def recorded(self, numbers: Sequence[Numbered]) -> Numbered:
        return numbers[-1]

    async def decide_again(self) -> Numbered | None:
        return None
