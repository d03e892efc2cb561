"""Answers that are made while they are sent: nothing piles up, nobody holds a turn for ever."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import pytest

from api import streaming
from api.streaming import Message, Streamed, Turns, unhurried
from commands.errors import Overloaded, Unavailable


class Wire:
    """A client at the other end, who takes a piece when told to."""

    def __init__(self) -> None:
        self.took: list[Message] = []
        self.room = asyncio.Semaphore(0)
        self.gone = asyncio.Event()

    async def send(self, message: Message) -> None:
        await self.room.acquire()
        self.took.append(message)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Made:
    """Pieces, counted as they are made."""

    def __init__(self, total: int, then: Exception | None = None) -> None:
        self.count = 0
        self.left = 0
        self.closed = False
        self._total = total
        self._then = then

    async def pieces(self) -> AsyncGenerator[bytes]:
        try:
            for _ in range(self._total):
                self.count += 1
                yield b"x"
            if self._then:
                raise self._then
        finally:
            self.closed = True

    def leave(self) -> None:
        self.left += 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)


async def test_no_more_is_made_than_is_taken() -> None:
    wire, made = Wire(), Made(1000)
    response = Streamed(made.pieces(), "text/plain", made.leave)
    await response.begin()
    sending = asyncio.create_task(response.send(wire.receive, wire.send))
    for taken in range(10):
        wire.room.release()
        await until(lambda taken=taken: len(wire.took) == taken + 1)  # type: ignore[misc]  # bound now
        assert made.count <= taken + 3
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert (made.closed, made.left) == (True, 1)


async def test_when_all_is_sent_the_answer_ends() -> None:
    wire, made = Wire(), Made(3)
    wire.room = asyncio.Semaphore(100)
    response = Streamed(made.pieces(), "text/plain", made.leave)
    await response.begin()
    await response.send(wire.receive, wire.send)
    assert [(message["body"], message.get("more_body", False)) for message in wire.took] == [
        (b"x", True), (b"x", True), (b"x", True), (b"", False),
    ]  # fmt: skip
    assert made.left == 1


async def test_who_has_gone_is_served_no_longer() -> None:
    wire, made = Wire(), Made(1000)
    wire.room = asyncio.Semaphore(10_000)
    wire.gone.set()
    response = Streamed(made.pieces(), "text/plain", made.leave)
    await response.begin()
    await response.send(wire.receive, wire.send)
    assert made.count < 1000
    assert (made.closed, made.left) == (True, 1)


async def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STALLED_S", 0)
    wire, made = Wire(), Made(1000)
    response = Streamed(made.pieces(), "text/plain", made.leave)
    await response.begin()
    await response.send(wire.receive, wire.send)
    assert wire.took == []
    assert (made.closed, made.left) == (True, 1)


async def test_what_fails_on_the_way_has_no_end() -> None:
    wire, made = Wire(), Made(3, Unavailable())
    wire.room = asyncio.Semaphore(100)
    response = Streamed(made.pieces(), "text/plain", made.leave)
    await response.begin()
    await response.send(wire.receive, wire.send)
    assert [message["more_body"] for message in wire.took] == [True] * 3
    assert made.left == 1


async def test_what_fails_at_once_is_refused_and_gives_its_turn_back() -> None:
    made = Made(0, Unavailable())
    with pytest.raises(Unavailable):
        await Streamed(made.pieces(), "text/plain", made.leave).begin()
    assert made.left == 1


def test_one_too_many_is_refused_until_somebody_leaves() -> None:
    turns = Turns(2)
    leave, _ = turns.take(again_ms=1), turns.take(again_ms=1)
    with pytest.raises(Overloaded) as refused:
        turns.take(again_ms=5000)
    assert refused.value.retry_after_ms == 5000
    leave()
    leave()
    turns.take(again_ms=1)
    with pytest.raises(Overloaded):
        turns.take(again_ms=1)


async def test_half_of_the_time_is_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now = 0.0
    rests: list[float] = []

    async def work() -> AsyncGenerator[bytes]:
        nonlocal now
        for took_s in (1.0, 3.0, 2.0):
            now += took_s
            yield b"x"

    async def rest(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(loop, "time", lambda: now)
    monkeypatch.setattr(asyncio, "sleep", rest)
    pieces = [piece async for piece in unhurried(work())]
    monkeypatch.undo()
    assert (len(pieces), rests) == (3, [1.0, 3.0, 2.0])
