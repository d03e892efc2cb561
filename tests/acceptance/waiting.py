"""Waiting for something that another process does."""

import asyncio
from collections.abc import Awaitable, Callable

PROGRESS_S = 60.0


async def until(condition: Callable[[], Awaitable[bool]], what: str, within_s: float = PROGRESS_S) -> None:
    """Wait for a condition. Raises: TimeoutError that names it."""
    try:
        async with asyncio.timeout(within_s):
            while not await condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise TimeoutError(f"waited {within_s} s for {what}") from None
