"""The live stream of one room in this process: strictly by seq, encoded once, to every socket in the room."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial

from commands.events import MemberBanned, MessageRedacted, wire_name
from commands.subscription import Fact, Log, StoreUnavailable, hide, redacted_by
from realtime.encoding import Dialect
from realtime.look import Look
from realtime.outlet import Outlet
from realtime.tail import Line, Tail, Tails, as_lines
from realtime.tally import Cause, Tally
from realtime.turn import Turn

log = logging.getLogger(__name__)

GAP_S = 0.05
"""How long a missing number may still come by itself before it is read from the store."""
READ = 300
PIECE_BYTES = 128 * 1024
"""About how much is let out at once."""
MAX_AHEAD = 512
"""Events held while an earlier one is missing; beyond it they are forgotten, since the store has them."""


class Hub:
    """The sockets in one room, and how far the room's events were let out to them.

    `seq` is the last one let out, -1 until the room's head is known. Whatever brings events or news of events (the bus,
    the log's tail, a subscriber's look at the head) may bring them in any order, twice, or not at all. `on_ban` is told
    the room and the person when somebody is banned.
    """

    def __init__(
        self, room: str, log: Log, turn: Turn, tails: Tails, tally: Tally, on_ban: Callable[[str, str], None]
    ) -> None:
        self.room = room
        self.look = Look(partial(log.head, room))
        self._turn = turn
        self._tails = tails
        self._on_ban = on_ban
        self.seq = -1
        self.users = 0
        self._log = log
        self._tally = tally
        self._heard = -1
        self._ahead: dict[int, Fact] = {}
        self._live: dict[Dialect, set[Outlet]] = {}
        self._tail: dict[Dialect, Tail] = {}
        self._emitting = False
        self._healing: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    def take(self, fact: Fact) -> None:
        """Take an event; it is let out when its turn comes."""
        seq = fact.recorded.seq
        if seq <= self.seq:
            return
        cause: Cause = "gap"
        if len(self._ahead) >= MAX_AHEAD:
            self._ahead.clear()
            cause = "overflow"
        self._ahead[seq] = fact
        self._heard = max(self._heard, seq)
        if seq != self.seq + 1:
            self.heal_soon(cause)
        else:
            self._emit_soon()

    def hear_of(self, seq: int, cause: Cause) -> None:
        """Know that events reach to `seq`; what is missing is read. The first time, the stream starts there."""
        if self.seq < 0:
            self.seq = seq
            self._ahead = {at: fact for at, fact in self._ahead.items() if at > seq}
        self._heard = max(self._heard, seq)
        self.heal_soon(cause)

    def heal_soon(self, cause: Cause) -> None:
        """If events are known of that did not come, read them from the store in a moment."""
        if 0 <= self.seq < self._heard and self._healing is None:
            self._healing = asyncio.create_task(self._heal(cause), name=f"heal {self.room}")

    async def reach(self, seq: int) -> None:
        """Wait until `seq` was let out."""
        while self.seq < seq:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    def join(self, dialect: Dialect, outlet: Outlet) -> None:
        """Let events out to this socket, too, from `seq + 1` on."""
        self._live.setdefault(dialect, set()).add(outlet)

    def leave(self, dialect: Dialect, outlet: Outlet) -> None:
        """Let nothing more out to this socket."""
        self._live.get(dialect, set()).discard(outlet)

    def tail(self, dialect: Dialect) -> Tail:
        """The last events that were let out, in this dialect. What is redacted in `seq` or earlier is not in it."""
        if dialect not in self._tail:
            self._tail[dialect] = Tail(self._tails)
            self._live.setdefault(dialect, set())
        return self._tail[dialect]

    def forget(self) -> None:
        """Keep nothing that was opened: somebody was erased. What is not let out yet is read again."""
        for tail in self._tail.values():
            tail.forget()
        self._ahead.clear()
        self.heal_soon("gap")

    def stop(self) -> None:
        """Stop reading, and keep nothing: nobody listens any more."""
        for tail in self._tail.values():
            tail.forget()
        if self._healing:
            self._healing.cancel()

    def _emit_soon(self) -> None:
        if not self._emitting:
            self._emitting = True
            self._turn.let_out(self._emit)

    def _emit(self) -> int:
        """Let out every event whose turn has come; of very much at once only some, so that nobody drowns in it.

        Answers how many they were.
        """
        self._emitting = False
        facts: list[Fact] = []
        size = 0
        while size < PIECE_BYTES and (fact := self._ahead.pop(self.seq + 1, None)) is not None:
            facts.append(fact)
            size += len(fact.recorded.state)
            self.seq += 1
        if facts:
            self._send(self._as_seen(facts))
        if self.seq + 1 in self._ahead:
            self._emit_soon()
        else:
            self.heal_soon("gap")
        return len(facts)

    def _as_seen(self, facts: list[Fact]) -> list[Fact]:
        """What comes late, after its message was redacted, is not shown any more."""
        if len(facts) + len(self._ahead) == 1:
            return facts
        return hide(facts, redacted_by([*facts, *self._ahead.values()]))

    def _send(self, facts: Sequence[Fact]) -> None:
        """To everybody who is there; who is banned is not there for what follows."""
        begin = 0
        for after, fact in enumerate(facts, 1):
            if isinstance(fact.event, MemberBanned):
                self._put(facts[begin:after])
                self._on_ban(self.room, fact.event.person)
                begin = after
        self._put(facts[begin:])

    def _put(self, facts: Sequence[Fact]) -> None:
        for dialect, outlets in self._live.items():
            is_wanted = outlets or self.tail(dialect).has(facts[0].recorded.seq - 1) if facts else False
            lines = as_lines(facts, dialect) if is_wanted else []
            self._keep(dialect, facts, lines)
            if frames := b"".join(line.frame for line in lines):
                self._tally.live += len(facts) * len(outlets)
                for outlet in outlets:
                    outlet.put(frames)
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _keep(self, dialect: Dialect, facts: Sequence[Fact], lines: Sequence[Line]) -> None:
        """Keep these events for those who come back soon, and what they redact no more."""
        tail = self.tail(dialect)
        if any(fact.event is None for fact in facts):
            tail.forget()
        elif lines:
            tail.append(facts[0].recorded.seq, lines)
        for fact in facts:
            if wire_name(fact.recorded.topic) == MessageRedacted.TOPIC:
                tail.redact(fact.recorded.subject, dialect.stub)

    async def _heal(self, cause: Cause) -> None:
        """Read what is missing, unless it comes by itself first. In a busy room something is always on its way."""
        try:
            while self.seq < self._heard:
                after = self.seq
                await asyncio.sleep(GAP_S)
                if self.seq == after < self._heard:
                    self._tally.heals[cause] += 1
                    await self._read_on()
        except StoreUnavailable:
            log.warning("%s: the store is away; what is missing after %d is read later", self.room, self.seq)
        except Exception:
            log.exception("%s: what is missing after %d could not be read", self.room, self.seq)
        finally:
            self._healing = None

    async def _read_on(self) -> None:
        """Read from the store until it has no whole page more."""
        whole = True
        while whole:
            after, erased = self.seq, self._log.erasures.count
            facts = await self._log.read_room(self.room, after=after, limit=READ)
            if erased != self._log.erasures.count:
                continue
            self._let_out(facts, after)
            if facts:
                await self.reach(facts[-1].recorded.seq)
            whole = len(facts) == READ

    def _let_out(self, facts: Sequence[Fact], after: int) -> None:
        """Let out what the store says follows `after`."""
        self._ahead |= {fact.recorded.seq: fact for fact in facts if fact.recorded.seq > self.seq}
        if not facts and self.seq == after:  # what was heard is not in the store
            self._ahead.clear()
            self._heard = after
        if self.seq + 1 in self._ahead:
            self._emit_soon()
