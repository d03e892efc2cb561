"""One socket's place in one room: first what it missed, from the store, in pages; then live, with no seam."""

import asyncio
import logging
from bisect import bisect_left
from itertools import accumulate

from commands.subscription import StoreUnavailable
from realtime.close_codes import CloseCode
from realtime.encoding import Dialect
from realtime.hub import Hub
from realtime.hubs import Hubs
from realtime.outlet import Outlet, Stalled
from realtime.protocol import MAX_INTEGER, PAGE
from realtime.tail import as_lines

log = logging.getLogger(__name__)

CHUNK_BYTES = 128 * 1024
"""About how much of a page is sent before the client has taken most of it."""
RETRY_S = 0.5


class Subscription:
    """Sends every event of a room after `after`, each once, in order. Not joined live, it costs its numbers only.

    `seq` is the last event that was sent. The backlog ends at `head`; the pages are counted from `after` to it, and
    from there on again until the subscription is live.
    """

    __slots__ = (
        "_advancing", "_behind", "_caught_up", "_dialect", "_ended", "_head", "_hub", "_hubs", "_live", "_outlet",
        "_page_end", "_stride", "seq",
    )  # fmt: skip

    def __init__(self, hubs: Hubs, hub: Hub, outlet: Outlet, dialect: Dialect, *, after: int, head: int) -> None:
        self.seq = after
        self._hubs = hubs
        self._hub = hub
        self._outlet = outlet
        self._dialect = dialect
        self._head = head
        self._page_end = after + PAGE
        self._stride = PAGE
        self._caught_up = False
        self._live = False
        self._behind = False
        self._ended = False
        self._advancing: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to send."""
        self._go_on()

    def ack(self, seq: int) -> None:
        """The client has everything up to `seq`: if that is a page, the next one follows."""
        if self._page_end <= seq <= self.seq and not self._live:
            self._page_end += PAGE
            self._go_on()

    def offer(self, frames: bytes) -> bool:
        """Send what may be missed, if the socket is live and keeps up; answers whether it was taken."""
        return self._live and self._outlet.offer(frames)

    def fall_behind(self) -> None:
        """The client does not keep up: from here on it catches up again, as fast as it reads, without acknowledging."""
        if self._live:
            self._leave_hub()
            self._behind = True
            self._page_end = MAX_INTEGER
            self._go_on()

    def end(self) -> None:
        """Send nothing more."""
        if self._ended:
            return
        self._ended = True
        if self._live:
            self._leave_hub()
        elif self._advancing:
            self._advancing.cancel()
        self._hubs.leave(self._hub)

    def _leave_hub(self) -> None:
        """Not live any more. Up to here the hub has sent everything that it let out."""
        self._live = False
        self._hub.leave(self._dialect, self._outlet)
        self.seq = self._hub.seq

    def _go_on(self) -> None:
        if self._advancing is None:
            self._advancing = asyncio.create_task(self._advance(), name=f"catch up in {self._hub.room}")

    async def _advance(self) -> None:
        """Send until the subscription is live, or it is the client's turn to acknowledge a page."""
        try:
            while not await self._is_done():
                if self.seq > self._hub.seq and self._caught_up:
                    await self._hub.reach(self.seq)
                else:
                    await self._send_some()
        except Stalled:
            log.info("%s: a socket took nothing after %d", self._hub.room, self.seq)
        except Exception:
            log.exception("%s: catching up after %d failed", self._hub.room, self.seq)
            self._outlet.on_trouble(CloseCode.INTERNAL)
        finally:
            self._advancing = None

    async def _is_done(self) -> bool:
        if self._behind:
            await self._outlet.drained()
        return self._join() or self.seq == self._page_end

    def _join(self) -> bool:
        """Whether everything was sent that the hub has let out: from here on the hub sends."""
        if self.seq == self._head and not self._caught_up:
            self._caught_up = True
            self._page_end = self._head + PAGE
            self._put(self._dialect.caught_up(self._hub.room, self._head))
        if self._caught_up and self.seq == self._hub.seq:
            self._live = True
            self._behind = False
            self._hub.join(self._dialect, self._outlet)
        return self._live

    async def _send_some(self) -> None:
        """Send on towards the end of the page, as much as the socket takes at once."""
        async with self._outlet.piece():
            try:
                async with self._hubs.catching_up:
                    frames = await self._read_tail() or await self._read()
            except StoreUnavailable:
                frames = []
            self.seq += len(frames)
            self._hubs.tally.caught_up += len(frames)
            self._put(b"".join(frames))
        if not frames:
            await asyncio.sleep(RETRY_S)

    @property
    def _upto(self) -> int:
        """Up to which event may be sent."""
        return min(self._page_end, self._hub.seq if self._caught_up else self._head)

    async def _read_tail(self) -> list[bytes]:
        """A frame for each of the next events, from what the hub keeps, if it has heard of all that happened."""
        tail = self._hub.tail(self._dialect)
        if tail.has(self.seq + 1) and await self._hubs.find_head(self._hub) <= self._hub.seq:
            return tail.read(self.seq, self._upto, CHUNK_BYTES)
        return []

    async def _read(self) -> list[bytes]:
        """The same from the store, unless somebody else has read it meanwhile."""
        async with self._hubs.reads:
            if kept := await self._read_tail():
                return kept
            tail, log = self._hub.tail(self._dialect), self._hubs.log
            redactions, erased = tail.redactions, log.erasures.count
            facts = await log.read_room(self._hub.room, after=self.seq, upto=self._upto, limit=self._stride)
        if erased != log.erasures.count:
            return []
        lines = as_lines(facts, self._dialect)
        if redactions == tail.redactions and all(fact.event for fact in facts):
            tail.fill(self.seq + 1, lines)
        return self._fit([line.frame for line in lines])

    def _fit(self, frames: list[bytes]) -> list[bytes]:
        """As many frames as may be sent at once; as many or twice as many are read the next time."""
        sizes = list(accumulate(map(len, frames)))
        fitting = frames[: bisect_left(sizes, CHUNK_BYTES) + 1]
        self._stride = len(fitting) if len(fitting) < len(frames) else min(PAGE, self._stride * 2)
        return fitting

    def _put(self, frames: bytes) -> None:
        if frames:
            self._outlet.put(frames)
