"""Answers that are made while they are sent: at constant memory, and at the pace at which they are taken."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing, suppress
from typing import Any

from django.http import HttpResponse

from commands.errors import Overloaded, Refusal

STALLED_S = 30.0
"""How long a client may take nothing before it is cut off: others wait for its turn."""

log = logging.getLogger(__name__)

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class Turns:
    """How many may be served at a time; one more is refused."""

    def __init__(self, at_a_time: int) -> None:
        self._left = at_a_time

    def take(self, *, again_ms: int) -> Callable[[], None]:
        """Take a turn; the answer gives it back, once. Raises: Overloaded."""
        if not self._left:
            raise Overloaded("Too many of these are being made: try again.", retry_after_ms=again_ms)
        self._left -= 1
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            self._left += not given_back
            given_back = True

        return give_back


class Streamed(HttpResponse):
    """A response whose body is made piece by piece; `leave` is called when it was sent, or will not be."""

    def __init__(self, pieces: AsyncGenerator[bytes], media_type: str, leave: Callable[[], None]) -> None:
        super().__init__(content_type=media_type)
        self._pieces = pieces
        self._leave = leave
        self._first = b""

    async def begin(self) -> None:
        """Make the first piece, so that what cannot be made is refused before anything is sent. Raises: Refusal."""
        try:
            self._first = await anext(self._pieces, b"")
        except BaseException:
            await self.end()
            raise

    async def end(self) -> None:
        """Make nothing more."""
        await self._pieces.aclose()
        self._leave()

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the body. What fails now, or stalls, is cut off: the client sees that it is not whole."""
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await _send_piece(send, self._first)
            async for piece in self._pieces:
                if gone.done():
                    return
                await _send_piece(send, piece)
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b""})
        except (Refusal, TimeoutError) as error:
            stalled = f"its client took nothing for {STALLED_S:.0f} s"
            log.warning("a streamed answer was cut off: %s", str(error) or stalled)
        finally:
            gone.cancel()
            await self.end()


async def unhurried(pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The same pieces, with a rest after each as long as making it took: half of the time is for others."""
    loop = asyncio.get_running_loop()
    async with aclosing(pieces):
        began = loop.time()
        async for piece in pieces:
            took_s = loop.time() - began
            yield piece
            await asyncio.sleep(took_s)
            began = loop.time()


async def _send_piece(send: Send, piece: bytes) -> None:
    """Raises: TimeoutError for a client that takes nothing."""
    async with asyncio.timeout(STALLED_S):
        await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Return when the client has gone."""
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass
