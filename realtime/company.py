"""The company that one keeps in a room: who is there, and who types. Fleeting: nothing of it is ever recorded.

Sessions say who comes, goes and types; this tells the sockets and, by the exchange, the other processes.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Protocol

from django.conf import settings

from commands.errors import RateLimited
from commands.events import MessagePosted
from commands.limits import Buckets, Rate
from commands.subscription import Fact
from realtime import presence, typists
from realtime.lease import News
from realtime.notice import BEAT_S, Ear
from realtime.presence import Presence
from realtime.server_frames import Somebody
from realtime.typists import Typists

log = logging.getLogger(__name__)

TYPING_PER_SOCKET = Rate(per_s=2, burst=10)


class Hearer(Protocol):
    """Who is told what other processes say."""

    def hear_news(self, room: str, news: News) -> None:
        """The processes together know this of who is in a room."""

    def hear_typing(self, room: str, who: list[tuple[str, str]]) -> None:
        """These (person, handle) type in a room, by sockets of another process."""


class Exchange(presence.Exchange, typists.Exchange, Protocol):
    """How the processes of a deployment tell each other who is where and who types."""

    def deliver_to(self, hearer: Hearer) -> None:
        """Hand what the others say to `hearer`, on the event loop."""


class Company:
    """Who is in the rooms of this process, and who types. Without an `exchange` it is the only process."""

    def __init__(self, exchange: Exchange | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.presence = Presence(exchange)
        self.typists = Typists(exchange)
        self._clock = clock
        self._typing = Buckets(TYPING_PER_SOCKET)
        self._beating: asyncio.Task[None] | None = None
        if exchange:
            exchange.deliver_to(self)

    def start(self) -> None:
        """Begin to tell."""
        self._beating = asyncio.create_task(self._beat(), name="presence and typing")

    async def stop(self) -> None:
        """Leave every room."""
        if self._beating:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        self.presence.stop()

    def enter(self, room: str, who: Somebody, ear: Ear | None) -> None:
        """Somebody listens to a room by one more socket; `ear` if that socket is to hear of the others."""
        self.presence.enter(room, who, ear)

    def leave(self, room: str, person: str, ear: Ear | None, *, may_return: bool) -> None:
        """One of somebody's sockets listens no more; if it closed by itself, they may be back in a moment."""
        if self.presence.leave(room, person, ear, self._clock()) and not may_return:
            self.expel(room, person)

    def expel(self, room: str, person: str) -> None:
        """Somebody is not here any more, from one moment to the next."""
        self.presence.remove(room, person)
        self.typists.remove(room, person)

    def forget(self, person: str) -> None:
        """Somebody was erased: they are nowhere any more."""
        for room in [room for room, gathering in self.presence.gatherings.items() if person in gathering.people]:
            self.presence.remove(room, person)
        self.typists.forget(person)

    def note_typing(self, room: str, who: Somebody, socket: str) -> None:
        """Somebody types, by the socket of that name. Raises: RateLimited."""
        if settings.LIMITS_ON and (wait_s := self._typing.take(socket)):
            raise RateLimited(retry_after_ms=int(wait_s * 1000) + 1)
        self.typists.add(room, who, self._clock())

    def see(self, fact: Fact) -> None:
        """An event came: whoever posted does not type any more."""
        if isinstance(fact.event, MessagePosted):
            self.typists.remove(fact.recorded.stream, fact.event.actor)

    def hear_news(self, room: str, news: News) -> None:
        self.presence.hear(room, news)

    def hear_typing(self, room: str, who: list[tuple[str, str]]) -> None:
        self.typists.hear(room, who, self._clock())

    def beat(self) -> None:
        """Tell everything that is due."""
        now = self._clock()
        for room, person in self.presence.beat(now):
            self.typists.remove(room, person)
        self.typists.beat(self.presence.gatherings, now)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                self.beat()
            except Exception:
                log.exception("who is present could not be told")
