"""The write side's door: commands come in, receipts go out. Load, decide, save."""

import asyncio
import time
from collections import OrderedDict
from contextlib import suppress
from functools import partial
from typing import Literal

from commands import deciding, rules
from commands.attempt import Attempt, Command, Receipt
from commands.clock import now_ms
from commands.errors import (
    Banned,
    Forbidden,
    Gone,
    NotFound,
    RateLimited,
    Refusal,
    RoomExists,
    SlowMode,
    Unauthenticated,
    Unavailable,
)
from commands.events import Cause
from commands.gathering import Gathering
from commands.identity import Caller, Reader
from commands.limits import Buckets, Rate
from commands.member import Membership, check_may_take_part, check_not_banned
from commands.message import PostMessage
from commands.refusals import Refusals
from commands.rules import OpenRoom, Rules
from commands.sealing import Mapper
from commands.states import RULES, States
from commands.store import Store, StoreUnavailable
from commands.writer import Writer

__all__ = ["Command", "Handlers", "Receipt"]

POSTS = Rate(per_s=5, burst=20)
MAX_SLOW = 50_000


class Handlers:
    """Handles every command, for REST and sockets alike.

    `guests` says what people may do who have not signed in; `limits` turns rate limits and slow mode on. `refusals`
    takes note of what auditors are to know of.
    """

    def __init__(
        self,
        store: Store,
        mapper: Mapper,
        writer: Writer,
        *,
        guests: Literal["write", "read", "off"] = "write",
        autocreate: bool = True,
        limits: bool = True,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals
        self._states = States(store, mapper)
        self._gathering = Gathering(self._states)
        self._mapper = mapper
        self._writer = writer
        self._guests = guests
        self._autocreate = autocreate
        self._limits = limits
        self._posts = Buckets(POSTS)
        self._latest: dict[tuple[str, str], asyncio.Future[Receipt]] = {}
        self._slow: OrderedDict[tuple[str, str], tuple[float, str | None]] = OrderedDict()

    async def handle(self, command: Command, caller: Caller) -> Receipt:
        """Carry a command out. The receipt comes when it is durable. Raises: Refusal."""
        return await (await self.accept(command, caller))

    async def accept(self, command: Command, caller: Caller) -> asyncio.Future[Receipt]:
        """Decide a command and queue it; the future gives its receipt once it is durable, or its refusal.

        Commands of one person in one room that are accepted one after the other are recorded in that order.
        Raises: Refusal when it is refused at once.
        """
        self._check_may_write(caller)
        deciding.check(command)
        attempt = Attempt(
            command,
            caller,
            self._states,
            self._mapper,
            autocreate=self._autocreate,
            pace=lambda standing: self._check_pace(command, caller, standing),
        )
        self._writer.check()
        try:
            await self._wait_for_earlier(attempt)
            return await self._submit(attempt, caller)
        except BaseException as error:
            if attempt.paced:
                self._slow.pop(attempt.lane, None)
            self._note(type(command).__name__, command.room, caller, error)
            if isinstance(error, StoreUnavailable | Unavailable):
                self._writer.doubt()
            raise

    async def _wait_for_earlier(self, attempt: Attempt) -> None:
        """What changes something is decided after what the same person asked before: it may rest on that."""
        if not isinstance(attempt.command, PostMessage) and (earlier := self._latest.get(attempt.lane)):
            await asyncio.wait([earlier])

    async def _submit(self, attempt: Attempt, caller: Caller) -> asyncio.Future[Receipt]:
        known = await attempt.prepare()
        if known is None:
            answer = self._writer.submit(attempt)
            self._latest[attempt.lane] = answer
            answer.add_done_callback(partial(self._settle, attempt, caller))
        else:
            answer = asyncio.get_running_loop().create_future()
            answer.set_result(known)
        return answer

    def _settle(self, attempt: Attempt, caller: Caller, answer: asyncio.Future[Receipt]) -> None:
        """Slow mode counts what was recorded: whoever was refused in the end need not wait."""
        if self._latest.get(attempt.lane) is answer:
            del self._latest[attempt.lane]
        if error := None if answer.cancelled() else answer.exception():
            self._note(type(attempt.command).__name__, attempt.command.room, caller, error)
            if attempt.paced:
                self._slow.pop(attempt.lane, None)

    def _note(self, command: str, room: str, caller: Caller, error: BaseException) -> None:
        if self._refusals and isinstance(error, Banned | Forbidden):
            self._refusals.note(command, room, error.code, caller)

    async def rules(self, room: str, reader: Reader) -> Rules:
        """The rules of a room that somebody may see. Raises: NotFound, Unauthenticated, Unavailable."""
        guest = reader.person is None or reader.person.startswith("guest:")
        if self._guests == "off" and guest and not reader.auditor:
            raise Unauthenticated
        if not rules.LABEL.fullmatch(room):
            raise NotFound
        standing = self._states.remembered(room, RULES)
        if standing is None:
            standing = await self._gathering.load(room, RULES)
        assert isinstance(standing, Rules)
        rules.check_seen(standing, reader.person, auditor=reader.auditor)
        return standing

    async def find_or_open(self, room: str, caller: Caller) -> Rules:
        """The rules of a room that somebody wants to come into: it is opened if need be and allowed.

        Raises: NotFound, Unauthenticated, InvalidField, LabelReserved, Unavailable.
        """
        rules.check_label(room)
        reader = Reader(caller.person)
        try:
            return await self.rules(room, reader)
        except NotFound:
            if not self._autocreate:
                raise
        with suppress(RoomExists):  # somebody was faster, or it is not theirs to see: the rules tell
            await self.handle(OpenRoom(room=room), caller)
        return await self.rules(room, reader)

    async def admit(self, room: str, caller: Caller) -> Rules:
        """Let somebody listen to a room that there is. Raises: NotFound, Banned, Gone, Unauthenticated, Unavailable."""
        standing = await self.rules(room, Reader(caller.person))
        await self._check_not_erased(caller.person)
        membership = await self._gathering.load(room, f"member:{caller.person}")
        assert isinstance(membership, Membership)
        try:
            check_not_banned(membership, now_ms())
        except Banned as error:
            self._note("Enter", room, caller, error)
            raise
        return standing

    async def check_may_post(self, room: str, caller: Caller) -> None:
        """Raises: NotFound, Banned, Archived, Unauthenticated, Unavailable. Costs nothing where all is remembered."""
        self._check_may_write(caller)
        member, cause = f"member:{caller.person}", Cause(caller.person, now_ms(), caller.request_id)
        known = [self._states.remembered(room, RULES), self._states.remembered(room, member)]
        with suppress(Refusal):
            if isinstance(known[0], Rules) and isinstance(known[1], Membership):
                check_may_take_part(known[0], known[1], cause)
                return
        read = await self._states.load(room, [RULES, member])
        standing, membership = read[RULES], read[member]
        assert isinstance(standing, Rules)
        assert isinstance(membership, Membership)
        check_may_take_part(standing, membership, cause)

    async def _check_not_erased(self, person: str) -> None:
        """Whoever was erased has no handle that others could be shown. Raises: Gone, Unavailable."""
        try:
            if await self._mapper.is_erased(person):
                raise Gone("This person was erased.")
        except StoreUnavailable:
            raise Unavailable from None

    def _check_may_write(self, caller: Caller) -> None:
        if self._guests != "write" and caller.person.startswith("guest:"):
            raise Unauthenticated("Sign in to take part.")

    def _check_pace(self, command: Command, caller: Caller, standing: Rules) -> None:
        """Raises: RateLimited, SlowMode."""
        if not self._limits:
            return
        if wait_s := self._posts.take(caller.person):
            raise RateLimited(retry_after_ms=int(wait_s * 1000) + 1)
        if isinstance(command, PostMessage) and standing.slow_mode_s and caller.person != standing.owner:
            self._check_slow_mode((command.room, caller.person), command.client_msg_id, standing.slow_mode_s)

    def _check_slow_mode(self, who: tuple[str, str], client_msg_id: str | None, slow_mode_s: int) -> None:
        """A message that is sent again, while the first is on its way, is no second one."""
        now = time.monotonic()
        then, last = self._slow.get(who, (-1e9, None))
        if client_msg_id is not None and client_msg_id == last:
            return
        if (wait_s := then + slow_mode_s - now) > 0:
            raise SlowMode(retry_after_ms=int(wait_s * 1000) + 1)
        self._slow[who] = (now, client_msg_id)
        self._slow.move_to_end(who)
        if len(self._slow) > MAX_SLOW:
            self._slow.popitem(last=False)
