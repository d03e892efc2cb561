"""What many ask at once, loaded together: those who come back to a room after a storm need one look, not thousands."""

import asyncio
from collections.abc import Mapping

from commands.errors import Overloaded, Refusal
from commands.states import State, States

AT_ONCE = 2
"""Looks at a time, whatever the rooms: the store has four connections for reading, and others need them too."""


class Look:
    """One look at a room: the subjects that are asked for, and what was found."""

    def __init__(self) -> None:
        self.subjects: set[str] = set()
        self.found: Mapping[str, State] = {}
        self.refused: Refusal | None = None
        self.task: asyncio.Task[None]


class Gathering:
    """Loads states. Who asks while a look at their room is under way or waits its turn shares the next one."""

    def __init__(self, states: States) -> None:
        self._states = states
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._now: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, Look] = {}

    async def load(self, room: str, subject: str) -> State:
        """The state of a subject as the store has it now. Raises: Unavailable."""
        look = self._next.get(room)
        if look is None:
            look = self._next[room] = Look()
            look.task = asyncio.create_task(self._look(room, look), name=f"look at {room}")
        look.subjects.add(subject)
        await asyncio.wait([look.task])  # one who goes away does not take the look from the others
        if look.refused is None:
            look.task.result()
            return look.found[subject]
        if len(look.subjects) == 1 or isinstance(look.refused, Overloaded):
            raise look.refused
        async with self._turns:  # it may be somebody else's that cannot be read
            return (await self._states.load(room, [subject]))[subject]

    async def _look(self, room: str, look: Look) -> None:
        if earlier := self._now.get(room):
            await asyncio.wait([earlier])
        async with self._turns:
            del self._next[room]
            self._now[room] = look.task
            try:
                look.found = await self._states.load(room, list(look.subjects))
            except Refusal as refusal:
                look.refused = refusal
            finally:
                del self._now[room]
