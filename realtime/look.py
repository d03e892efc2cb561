"""A look at the store that many can share."""

import asyncio
from collections.abc import Awaitable, Callable


class Look[T]:
    """Everybody who asks while one look is under way shares the next one.

    So what is seen is never older than the question, and however many ask, there is one look at a time.
    """

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Look, no earlier than now. Raises: what looking raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._begin_after(self._now))
        looking = self._next
        await asyncio.wait([looking])  # one who goes away does not take the look from the others
        return looking.result()

    async def _begin_after(self, earlier: asyncio.Task[T] | None) -> T:
        if earlier:
            await asyncio.wait([earlier])
        self._now, self._next = self._next, None
        try:
            return await self._look()
        finally:
            self._now = None
