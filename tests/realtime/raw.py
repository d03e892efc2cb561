"""A client that breaks the rules: bytes over TCP, by hand."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)
OURS = "Sec-WebSocket-Protocol: verbatim.v1\r\n"
WAIT_S = 10.0


class Raw:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self.reader = reader
        self.writer = writer
        self._port = port

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def shake_hands(self, path: str = "/chat/", more: str = OURS) -> bytes:
        """Ask for a socket; the head of the answer."""
        await self.send(HANDSHAKE.format(path=path, port=self._port, more=more).encode())
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def send_frame(self, opcode: int, payload: bytes, *, fin: bool = True, size: int | None = None) -> None:
        """A masked frame; `size` may lie about the payload."""
        announced = len(payload) if size is None else size
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
        await self.send(bytes([0x80 * fin | opcode, 0xFF]) + announced.to_bytes(8) + mask + masked)

    async def receive_frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload."""
        async with asyncio.timeout(WAIT_S):
            first, size = await self.reader.readexactly(2)
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8))
            return first & 0xF, await self.reader.readexactly(size)

    async def close_code(self) -> tuple[int, bytes]:
        """The code of the close that the server sends, and the last text frame before it."""
        last = b""
        while True:
            opcode, payload = await self.receive_frame()
            if opcode == 8:
                return int.from_bytes(payload[:2]), last
            last = payload if opcode == 1 else last

    async def is_cut_off(self) -> bool:
        """Whether the server ends the connection, without a word more."""
        async with asyncio.timeout(WAIT_S):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def raw(port: int, *, receive_bytes: int | None = None) -> AsyncIterator[Raw]:
    """A TCP connection; with `receive_bytes` its kernel buffer is that small."""
    connection = socket.socket()
    connection.setblocking(False)
    if receive_bytes:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=64 * 1024 if not receive_bytes else 1024)
    try:
        yield Raw(reader, writer, port)
    finally:
        writer.transport.abort()
