"""A network cable to a server: a TCP proxy that a test can cut, or let go silent, and mend."""

import asyncio
import contextlib
from typing import Self

from tests.servers import LOOPBACK


class Cable:
    """Carries bytes between its own port and the server's.

    `cut` breaks every connection and refuses new ones; `silence` keeps them and lets nothing through, as when a radio
    link is gone, or nothing in one direction; `mend` makes it a cable again.
    """

    def __init__(self, port: int) -> None:
        self._far_port = port
        self._onward = asyncio.Event()
        self._backward = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.mend()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._carry, LOOPBACK, 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        self.mend()
        self.cut()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection, and each new one at once."""
        self._refusing = True
        for writer in self._open:
            writer.transport.abort()

    def silence(self, *, onward: bool = True, backward: bool = True) -> None:
        """Let nothing through to the server, or nothing back; it arrives when the cable is mended."""
        if onward:
            self._onward.clear()
        if backward:
            self._backward.clear()

    def mend(self) -> None:
        """Carry again."""
        self._refusing = False
        self._onward.set()
        self._backward.set()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._carrying.add(task)
        self._open.add(back)
        try:
            if not self._refusing:
                far, on = await asyncio.open_connection(LOOPBACK, self._far_port)
                self._open.add(on)
                await asyncio.gather(self._pass_on(near, on, self._onward), self._pass_on(far, back, self._backward))
        except OSError:
            pass
        finally:
            back.transport.abort()
            self._open.discard(back)
            self._carrying.discard(task)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, whole: asyncio.Event) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                await whole.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
        self._open.discard(writer)
