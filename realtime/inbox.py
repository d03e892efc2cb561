"""What asyncio's Queue and Event do for one reader, at a tenth of their memory: every open socket has one of each."""

import asyncio
from typing import Any


class Inbox:
    """Messages for one reader, in order: as much of `asyncio.Queue` as uvicorn uses."""

    __slots__ = ("_messages", "_waiting")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message. Whoever adds them sees to it that they stay few."""
        self._messages.append(message)
        if self._waiting and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> Any:
        """The next message."""
        while not self._messages:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
            self._waiting = None
        return self._messages.pop(0)

    def qsize(self) -> int:
        """How many wait."""
        return len(self._messages)

    def empty(self) -> bool:
        """Whether none waits."""
        return not self._messages


class Valve:
    """Open or shut; many may wait for it to open: as much of `asyncio.Event` as uvicorn uses."""

    __slots__ = ("_opening",)

    def __init__(self) -> None:
        self._opening: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Open it."""
        if self._opening and not self._opening.done():
            self._opening.set_result(None)
        self._opening = None

    def clear(self) -> None:
        """Shut it."""
        self._opening = self._opening or asyncio.get_running_loop().create_future()

    async def wait(self) -> None:
        """Wait until it is open."""
        while self._opening:
            await asyncio.shield(self._opening)
