"""H: 8 clients read pages of 50 from anywhere in a long history, each the next one when it has the last."""

import asyncio
import random
from itertools import chain
from typing import cast

from bench.shapes.dialect import HISTORY, LOOPBACK, MARK, Dialect, now_us
from bench.shapes.member import Heard, Member
from bench.shapes.meter import Figures, Meter, percentile

CLIENTS = 8
PAGE = 50
WARM_UP_S = 2.0
IN_FLIGHT = 200
STUCK_S = 10.0
READ_S = 120.0


class Connection(asyncio.Protocol):
    """A kept connection over which one GET at a time is made."""

    def __init__(self, port: int) -> None:
        self._head = f" HTTP/1.1\r\nHost: {LOOPBACK}:{port}\r\n\r\n".encode()
        self._received = bytearray()
        self._body_start = self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    async def get(self, path: str) -> bytes:
        """The body of the answer. Raises: RuntimeError for any but 200, ConnectionError."""
        self._answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._transport.write(b"GET " + path.encode() + self._head)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Collect an answer, which must tell its length."""
        self._received += data
        if not self._size and (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._received[:end]).lower()
            if not head.startswith(b"http/1.1 200"):
                self._answer.set_exception(RuntimeError(bytes(self._received).decode()))
                return
            self._body_start = end + 4
            self._size = self._body_start + int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        if self._size and len(self._received) >= self._size:
            body = bytes(self._received[self._body_start : self._size])
            del self._received[: self._size]
            self._size = 0
            self._answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed before the answer"))


async def connect(port: int) -> Connection:
    """A new connection."""
    _, connection = await asyncio.get_running_loop().create_connection(lambda: Connection(port), LOOPBACK, port)
    return connection


async def run(dialect: Dialect, port: int, parts: dict[str, int], seconds: float, messages: int) -> Figures:
    """Warm up, then count. `messages` is how many the room has."""
    connections = [await connect(port) for _ in range(CLIENTS)]

    async def read_until(end_us: int) -> list[list[int]]:
        return await asyncio.gather(*(_read(each, dialect, messages, end_us) for each in connections))

    await read_until(now_us() + int(WARM_UP_S * 1e6))
    meter = Meter(parts)
    delays = list(chain.from_iterable(await read_until(now_us() + int(seconds * 1e6))))
    figures = meter.read(len(delays))
    return {
        **figures,
        "rate": len(delays) / figures["wall_s"],
        "p50_ms": percentile(delays, 50),
        "p99_ms": percentile(delays, 99),
    }


async def _read(connection: Connection, dialect: Dialect, messages: int, end_us: int) -> list[int]:
    delays = []
    while (began_us := now_us()) < end_us:
        before = random.randint(PAGE + 2, messages)
        page = await connection.get(dialect.page.format(room=HISTORY, before=before))
        delays.append(now_us() - began_us)
        assert page.count(MARK) == PAGE, page[:500]
    return delays


class Filling(Heard):
    """Posts messages, `IN_FLIGHT` at a time, until there are enough."""

    def __init__(self, messages: int) -> None:
        super().__init__()
        self._left = messages
        self._done = asyncio.Event()
        self._waiting = messages

    def start(self, member: Member) -> None:
        """Post the first ones."""
        for _ in range(min(IN_FLIGHT, self._left)):
            self._left -= 1
            member.post(now_us())

    def ack(self, member: Member, sent_us: int) -> None:
        """Post the next one."""
        self._waiting -= 1
        if self._left:
            self._left -= 1
            member.post(now_us())
        elif not self._waiting:
            self._done.set()

    async def wait(self) -> None:
        """Until all came back. Raises: TimeoutError when nothing comes any more."""
        while self._waiting:
            before = self._waiting
            try:
                async with asyncio.timeout(STUCK_S):
                    await self._done.wait()
            except TimeoutError:
                if before == self._waiting:
                    raise


async def fill(dialect: Dialect, port: int, messages: int) -> None:
    """Post a history to Verbatim, and wait until its read model has it; seq 1 is `room.opened`."""
    filling = Filling(messages)
    member = Member(0, HISTORY, filling)
    await member.connect(dialect, port)
    filling.start(member)
    await filling.wait()
    connection = await connect(port)
    newest = dialect.page.format(room=HISTORY, before=messages + 2)
    async with asyncio.timeout(READ_S):
        while f'"head_seq":{messages + 1},'.encode() not in await connection.get(newest):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)
