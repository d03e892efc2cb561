"""One socket's place in one room: first what it missed, from the store, in pages; then live, with no seam."""

import asyncio
import logging

from commands.subscription import Fact, StoreUnavailable
from realtime.close_codes import CloseCode
from realtime.encoding import Dialect
from realtime.hub import Hub
from realtime.hubs import Hubs
from realtime.outlet import Outlet
from realtime.protocol import PAGE

log = logging.getLogger(__name__)

CHUNK_BYTES = 256 * 1024
"""About how much of a page is sent before the client has taken most of it."""
RETRY_S = 0.5


class Subscription:
    """Sends every event of a room after `after`, each once, in order. Not joined live, it costs its numbers only.

    `seq` is the last event that was sent. The backlog ends at `head`; the pages are counted from `after` to it, and
    from there on again until the subscription is live.
    """

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

    def end(self) -> None:
        """Send nothing more."""
        if self._ended:
            return
        self._ended = True
        if self._live:
            self._hub.leave(self._dialect, self._outlet)
        elif self._advancing:
            self._advancing.cancel()
        self._hubs.leave(self._hub)

    def _go_on(self) -> None:
        if self._advancing is None:
            self._advancing = asyncio.create_task(self._advance(), name=f"catch up in {self._hub.room}")

    async def _advance(self) -> None:
        """Send until the subscription is live, or it is the client's turn to acknowledge a page."""
        try:
            while not self._join() and self.seq != self._page_end:
                if self.seq > self._hub.seq and self._caught_up:
                    await self._hub.reach(self.seq)
                else:
                    await self._send_some()
        except Exception:
            log.exception("%s: catching up after %d failed", self._hub.room, self.seq)
            self._outlet.on_trouble(CloseCode.INTERNAL)
        finally:
            self._advancing = None

    def _join(self) -> bool:
        """Whether everything was sent that the hub has let out: from here on the hub sends."""
        if self.seq == self._head and not self._caught_up:
            self._caught_up = True
            self._page_end = self._head + PAGE
            self._put(self._dialect.caught_up(self._hub.room, self._head))
        if self._caught_up and self.seq == self._hub.seq:
            self._live = True
            self._hub.join(self._dialect, self._outlet)
        return self._live

    async def _send_some(self) -> None:
        """Send on towards the end of the page, as much as the socket takes at once."""
        upto = min(self._page_end, self._hub.seq if self._caught_up else self._head)
        await self._outlet.drained()
        try:
            facts = await self._hubs.log.read_room(self._hub.room, after=self.seq, upto=upto, limit=self._stride)
        except StoreUnavailable:
            facts = []
        if facts:
            self._send(facts)
        else:
            await asyncio.sleep(RETRY_S)

    def _send(self, facts: list[Fact]) -> None:
        frames: list[bytes] = []
        size = 0
        for fact in facts:
            if size > CHUNK_BYTES:
                break
            frames.append(self._dialect.event(fact))
            size += len(frames[-1])
        self.seq = facts[len(frames) - 1].recorded.seq
        self._hubs.tally.caught_up += len(frames)
        self._stride = len(frames) if len(frames) < len(facts) else min(PAGE, self._stride * 2)
        self._put(b"".join(frames))

    def _put(self, frames: bytes) -> None:
        if frames:
            self._outlet.put(frames)
