"""Every room that has sockets in this process, and where its hub hears of events: the bus, and the log's tail."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import Protocol

from commands.people import ERASED, EXPIRED, PEOPLE
from commands.subscription import Log, Recorded, StoreUnavailable
from realtime import forgetting
from realtime.admission import Admission
from realtime.bus import Bus
from realtime.company import Company
from realtime.forgetting import Forgetting, RoomsOf
from realtime.hub import Hub
from realtime.tail import Tails
from realtime.tally import Tally
from realtime.turn import Turn

log = logging.getLogger(__name__)

MAX_OPENING = 64
"""Hints that wait for somebody's key at a time; further ones are dropped, and what they hinted at is read."""
READS_AT_ONCE = 2
"""Sockets that read the store, to come into a room or to catch up. It has four connections for reading: commands, and
looks at heads, need some too."""
PIECES_AT_ONCE = 64
"""Sockets that get a piece of a backlog, from the store or not: few enough that the others hardly wait for them."""
WATCH_S = 1.0
SOONEST_MS = 100
LATEST_MS = 5000
APART_MS = 1
"""When clients that are all sent away together are told to come back: the more they are, the longer it takes."""


class Listener(forgetting.Listener, Protocol):
    """A session, as far as the hubs care."""

    def shut_down(self) -> None:
        """The server goes away."""

    def ban(self, room: str, person: str) -> None:
        """Somebody was banned from a room: whoever this is leaves it, if it is them."""

    def erase(self, person: str) -> None:
        """Somebody was erased: whoever this is goes, if it is them."""


class Hubs:
    """Every room that has sockets in this process. `bus` brings hints, `log` the truth, `company` knows who is there.

    Sockets that catch up read the store inside `reads`, and get their pieces inside `catching_up`: first come, first
    served. Those who come into a room share their looks at it.
    """

    def __init__(self, log: Log, bus: Bus, company: Company | None = None, rooms_of: RoomsOf | None = None) -> None:
        self.log = log
        self.turn = Turn()
        self.tails = Tails()
        self.catching_up = asyncio.Semaphore(PIECES_AT_ONCE)
        self.reads = asyncio.Semaphore(READS_AT_ONCE)
        self.tally = Tally()
        self.admission = Admission()
        self.sessions: set[Listener] = set()
        self.company = company or Company()
        self._bus = bus
        self._hubs: dict[str, Hub] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._watching: asyncio.Task[None] | None = None
        self._leaving = 0
        self._forgetting = Forgetting(self.sessions, rooms_of)
        bus.deliver_to(self._receive)
        log.erasures.tell(self._forget, of_rooms=self._forget_days)

    async def start(self) -> None:
        """Begin to watch the log's tail, and hear who was erased. Raises: StoreUnavailable."""
        position = await self.log.last_position()
        await self.log.hear_of_people()
        self._bus.subscribe(PEOPLE)
        self.company.start()
        self._watching = asyncio.create_task(self._watch(position), name="watch the log's tail")

    async def stop(self) -> None:
        """Say goodbye to every socket that is still open, and stop watching."""
        self.say_goodbye()
        await self.company.stop()
        self._forgetting.stop()
        for task in (self._watching, *self._opening):
            if task:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    @property
    def rooms(self) -> int:
        """How many rooms have sockets here."""
        return len(self._hubs)

    def say_goodbye(self) -> None:
        """Tell every socket to come back later, and close it."""
        for session in list(self.sessions):
            session.shut_down()

    def return_ms(self) -> int:
        """How long somebody who leaves because the server does is to stay away: each another time."""
        self._leaving = max(self._leaving, len(self.sessions))
        latest = min(LATEST_MS, SOONEST_MS + self._leaving * APART_MS)
        return random.randint(SOONEST_MS, latest)  # noqa: S311 - spreads

    def enter(self, room: str) -> Hub:
        """The hub of a room, until `leave` was called as often."""
        hub = self._hubs.get(room)
        if hub is None:
            hub = self._hubs[room] = Hub(room, self.log, self.turn, self.tails, self.tally, self._ban)
            self._bus.subscribe(room)
        hub.users += 1
        return hub

    def leave(self, hub: Hub) -> None:
        """One user less; a hub without any goes away."""
        hub.users -= 1
        if not hub.users:
            del self._hubs[hub.room]
            self._bus.unsubscribe(hub.room)
            hub.stop()

    async def find_head(self, hub: Hub) -> int:
        """How far the room has come by now. Raises: StoreUnavailable."""
        head = await hub.look()
        hub.hear_of(head, "head")
        return head

    def _ban(self, room: str, person: str) -> None:
        for session in list(self.sessions):
            session.ban(room, person)

    def _receive(self, events: Sequence[Recorded]) -> None:
        """Take hints from the bus: what is new is opened, once for all sockets; of people, what tells to forget."""
        fresh = [event for event in events if self._is_wanted(event)]
        if fresh and len(self._opening) >= MAX_OPENING:
            self.tally.hints_dropped += len(fresh)
            return
        if not fresh:
            return
        opening = asyncio.Task(self._open(fresh), loop=asyncio.get_running_loop(), eager_start=True)
        if not opening.done():
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def _is_wanted(self, event: Recorded) -> bool:
        hub = self._hubs.get(event.stream)
        return event.topic in (ERASED, EXPIRED) if hub is None else event.seq > hub.seq

    def _forget(self, person: str, position: int) -> None:
        """Somebody was erased: keep nothing of theirs, and tell whoever may show it."""
        for hub in self._hubs.values():
            hub.forget()
        for session in list(self.sessions):
            session.erase(person)
        self.company.forget(person)
        self._forgetting.tell(person, position)

    def _forget_days(self, room: str, before: int) -> None:
        """What was said in a room before a time is over."""
        if hub := self._hubs.get(room):
            hub.forget()
            self._forgetting.tell_days(room, before)

    async def _open(self, events: Sequence[Recorded]) -> None:
        try:
            facts = await self.log.open(events)
        except StoreUnavailable:
            return
        for fact in facts:
            if hub := self._hubs.get(fact.recorded.stream):
                hub.take(fact)
                self.company.see(fact)

    async def _watch(self, position: int) -> None:
        """Once a second, tell the hubs what the log's tail says: it finds what the bus lost."""
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                position = await self._look_at_tail(position)
            except StoreUnavailable:
                log.warning("the store is away; the log's tail is read later")
            except Exception:
                log.exception("the log's tail could not be read")

    async def _look_at_tail(self, position: int) -> int:
        """Read on from `position`; answers where the log ends."""
        while marks := await self.log.tail(after=position):
            for _, stream, seq in marks:
                if stream == PEOPLE:
                    await self.log.hear_of_people()
                if hub := self._hubs.get(stream):
                    hub.hear_of(seq, "tail")
            position = marks[-1].position
        for hub in self._hubs.values():
            hub.heal_soon("tail")
        return position
