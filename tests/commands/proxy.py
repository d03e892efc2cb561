"""A network between a store and PostgreSQL that does what networks do at the wrong moment."""

import asyncio
import os
import struct
from socket import SO_LINGER, SOL_SOCKET
from typing import Literal, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

Fault = Literal[
    "",
    "cut the request",
    "cut half the request",
    "cut the answer",
    "garble the answer",
    "reset in half the answer",
    "hang",
    "hang once",
]
_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset."""


class Proxy:
    """Passes bytes on to the server of `url` until a `fault` is wanted.

    A cut happens once, to one connection; so does `hang once`, and that connection is silent from then on.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._port = int(str(conninfo_to_dict(url)["port"]))
        self.fault: Fault = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        """The same database, through this network."""
        return make_conninfo(self._url, port=self._server.sockets[0].getsockname()[1])

    def reset(self) -> None:
        """Reset every connection, before anybody in this process gets to hear of it."""
        for writer in self._clients:
            _reset_after(b"", writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        self._clients.add(writer)
        try:
            await self._pass(reader, writer)
        finally:
            writer.close()
            self._clients.discard(writer)
            self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        pumps = [
            asyncio.create_task(self._pass_requests(reader, server_writer)),
            asyncio.create_task(self._pass_answers(server_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server_writer.close()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            if self.fault == "cut the request":
                self.fault = ""
                return
            if self.fault == "cut half the request":
                self.fault = ""
                writer.write(data[: len(data) // 2])
                await writer.drain()
                return
            writer.write(data)

    async def _pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(2**16):
            if self.fault == "cut the answer":
                self.fault = ""
                return
            if self.fault == "garble the answer":
                self.fault = ""
                data = bytes(len(data))
            if self.fault == "reset in half the answer":
                self.fault = ""
                _reset_after(data[: len(data) // 2], writer)
                return
            if self.fault == "hang once":
                self.fault = ""
                await asyncio.Event().wait()
            if self.fault != "hang":
                writer.write(data)


def _reset_after(data: bytes, writer: asyncio.StreamWriter) -> None:
    """Send these, and a reset at once, before anybody in this process gets to read them."""
    socket = writer.get_extra_info("socket")
    os.write(socket.fileno(), data)
    socket.setsockopt(SOL_SOCKET, SO_LINGER, _AT_ONCE)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, socket.fileno())
    os.close(nothing)
    writer.transport.abort()
