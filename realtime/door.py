"""Requests in turn: a thousand handshakes that arrive in one turn of the event loop must not hold everybody else up."""

import asyncio
from collections import deque
from collections.abc import Callable

IN_A_TURN = 16
"""What connections sent that is looked at before whatever else waits in the event loop gets its turn."""


class Door:
    """Lets so many through in a turn, first come, first served; the others wait for the next ones."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._room = IN_A_TURN
        self._is_turning = False

    def enter(self, handle: Callable[[], None]) -> None:
        """Call this in its turn, which may be now."""
        if not self._is_turning:
            self._is_turning = True
            asyncio.get_running_loop().call_soon(self._turn)
        if self._room:
            self._room -= 1
            handle()
        else:
            self._waiting.append(handle)

    def _turn(self) -> None:
        some = [self._waiting.popleft() for _ in range(min(IN_A_TURN, len(self._waiting)))]
        self._room = 0 if self._waiting else IN_A_TURN - len(some)
        self._is_turning = bool(some)
        if some:
            asyncio.get_running_loop().call_soon(self._turn)
        for handle in some:
            handle()
