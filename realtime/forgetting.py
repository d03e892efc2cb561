"""Telling sockets what to forget: of a person, in the rooms in which they took part; of days of a room."""

import asyncio
import logging
from collections.abc import Awaitable, Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from commands.clock import Milliseconds, rfc3339
from commands.errors import Refusal

log = logging.getLogger(__name__)

RETRY_S = 0.5
IN_A_TURN = 500
"""Sockets that are told before others get their turn."""


class RoomsOf(Protocol):
    """Knows in which rooms a person took part by a position. Raises: Refusal while it does not know that yet."""

    def __call__(self, person: str, *, min_position: int) -> Awaitable[Sequence[str]]: ...


class Listener(Protocol):
    """A session, as far as this cares."""

    def tell_erased(self, rooms: AbstractSet[str], *, person: str = "", before: str = "") -> None:
        """In these rooms nothing is to be shown any more of a person, or what was said before a time (RFC 3339)."""


class Forgetting:
    """Tells the `sessions`, one person after the other. Without `rooms_of` it knows of no room."""

    def __init__(self, sessions: Collection[Listener], rooms_of: RoomsOf | None) -> None:
        self._sessions = sessions
        self._rooms_of = rooms_of
        self._untold: dict[str, int] = {}
        self._telling: asyncio.Task[None] | None = None
        self._days: set[asyncio.Task[None]] = set()

    def tell(self, person: str, position: int) -> None:
        """Tell of an erasure, once it is known where the person took part until then."""
        if self._rooms_of is None or not self._sessions:
            return
        self._untold[person] = position
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell(self._rooms_of), name="tell of erasures")

    def tell_days(self, room: str, before: Milliseconds) -> None:
        """Tell that what was said in a room before a time is over."""
        telling = asyncio.get_running_loop().create_task(self._tell_all(frozenset([room]), before=rfc3339(before)))
        self._days.add(telling)
        telling.add_done_callback(self._days.discard)

    def stop(self) -> None:
        """Tell nobody any more."""
        for task in (self._telling, *self._days):
            if task:
                task.cancel()

    async def _tell(self, rooms_of: RoomsOf) -> None:
        while self._untold:
            person, position = next(iter(self._untold.items()))
            try:
                rooms = frozenset(await rooms_of(person, min_position=position))
            except Refusal as refusal:
                log.info("who was erased is told later: %s", refusal.code)
                await asyncio.sleep(RETRY_S)
                continue
            del self._untold[person]
            await self._tell_all(rooms, person=person)

    async def _tell_all(self, rooms: AbstractSet[str], *, person: str = "", before: str = "") -> None:
        for number, session in enumerate(list(self._sessions), 1):
            session.tell_erased(rooms, person=person, before=before)
            if number % IN_A_TURN == 0:
                await asyncio.sleep(0)
