"""People who post and read at a steady pace: `python -m bench.people PORT POSTS_A_SECOND PAGES_A_SECOND`.

Open loop: each request is due at its time, and its delay counts from then. Prints one JSON line for each request that
ended, once a second, so that telling disturbs nobody: what it was, when it was due (Unix s), how long it took
(ms), and its status (0 for a lost one).
"""

import asyncio
import json
import random
import sys
import time
from typing import cast

import uvloop

from bench.planting import ROOMS, TEXT

LOOPBACK = "127.0.0.1"
CONNECTIONS = 32
TELL_S = 1.0


class Connection(asyncio.Protocol):
    """A kept connection over which one request at a time is made; answers tell their length."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body of an answer. Raises: ConnectionError."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer."""
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        head = bytes(self._received[:end]).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(self._received) >= end + 4 + size:
            body = bytes(self._received[end + 4 : end + 4 + size])
            self._received.clear()
            self._answer.set_result((int(head.split()[1]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(ConnectionError("closed before the answer"))


class People:
    """Those who share some connections to one server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._token = ""
        self._ended: list[tuple[str, float, float, int]] = []

    async def come(self) -> None:
        """Connect, and become a guest."""
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await self._connect())
        _, body = await self._ask("POST", "guests", b"{}")
        self._token = json.loads(body)["token"]

    async def go_on(self, what: str, a_second: float) -> None:
        """Ask for ever at this pace."""
        due = time.time()
        tasks = set()
        while True:
            due += 1 / a_second
            await asyncio.sleep(max(0.0, due - time.time()))
            task = asyncio.create_task(self._one(what, due))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def tell(self) -> None:
        """Print for ever what ended."""
        while True:
            await asyncio.sleep(TELL_S)
            ended, self._ended = self._ended, []
            print("".join(f"{json.dumps(each)}\n" for each in ended), end="", flush=True)

    async def _one(self, what: str, due: float) -> None:
        room = f"rooms/room-{int(ROOMS * random.random() ** 2)}/messages"
        try:
            if what == "post":
                status, _ = await self._ask("POST", room, json.dumps({"message": TEXT, "handle": "ada"}).encode())
            else:
                status, _ = await self._ask("GET", f"{room}?before={random.randint(50, 3000)}&limit=50", b"")
        except OSError:
            status = 0
        self._ended.append((what, due, (time.time() - due) * 1000, status))

    async def _ask(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        connection = await self._free.get()
        head = f"{method} /api/v1/{path} HTTP/1.1\r\nHost: {LOOPBACK}:{self._port}\r\nContent-Length: {len(body)}\r\n"
        sender = f"Content-Type: application/json\r\nAuthorization: Bearer {self._token}\r\n" if body else ""
        if not self._token:
            sender = "Content-Type: application/json\r\n"
        try:
            answer = await connection.ask(f"{head}{sender}\r\n".encode() + body)
        except OSError:
            self._free.put_nowait(await self._connect())
            raise
        self._free.put_nowait(connection)
        return answer

    async def _connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, LOOPBACK, self._port)
        return connection


async def _live(port: int, posts: float, pages: float) -> None:
    people = People(port)
    await people.come()
    await asyncio.gather(people.go_on("post", posts), people.go_on("page", pages), people.tell())


if __name__ == "__main__":
    uvloop.run(_live(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])))
