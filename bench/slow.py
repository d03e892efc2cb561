"""Slow readers: two of a hundred stop reading while much is said. What the others notice, and what becomes of the two.

One of the two reads again when it is over, and must have everything; the other never does, and must be sent away.
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from statistics import median, quantiles

import uvloop

from bench import report
from bench.served import on_postgres, rss
from bench.shapes.program import Program
from bench.visitor import Visitor
from realtime.outlet import STALLED_S

READERS = 98
SLOW = 2
BYTES = 16 * 1024
RATE = 100
SECONDS = 10.0
ROUNDS = 3
ROOM = "slow-{turn}"
TEXT = "é" * (BYTES // 2 - 32)
MARK = b"t="


def main() -> None:
    """Measure and print the table."""
    with on_postgres() as server:
        turns = [uvloop.run(_turn(server, n, slow)) for n in range(ROUNDS) for slow in (0, SLOW)]
    rows = [_row("without", turns[::2]), _row(f"{SLOW} stop reading", turns[1::2])]
    title = f"{READERS} readers, {RATE} messages of {BYTES // 1024} KiB a second, PostgreSQL, medians of {ROUNDS}"
    report.show("slow", title, rows)


async def _turn(server: Program, number: int, slow: int) -> dict[str, float]:
    path = f"/chat/{ROOM.format(turn=f'{number}-{slow}')}/"
    delays = Delays()
    readers = [await Visitor.connect(server.port, path, on_event=delays.hear) for _ in range(READERS)]
    stopped = [await Visitor.connect(server.port, path) for _ in range(slow)]
    poster = await Visitor.connect(server.port, path)
    everybody = (*readers, *stopped, poster)
    await asyncio.gather(*(visitor.caught_up for visitor in everybody))
    for visitor in stopped:
        visitor.transport.pause_reading()
    grew = await _say_much(poster, path.split("/")[2], server)
    head = 1 + int(RATE * SECONDS)
    await _until(lambda: all(visitor.seq == head for visitor in readers))
    fates = await _fates(stopped, head)
    for visitor in everybody:
        visitor.transport.abort()
    return {
        "p50": median(delays.ms),
        "p99": quantiles(delays.ms, n=100)[98],
        "missed": float(sum(visitor.wrong + head - visitor.seq for visitor in readers)),
        "grew": grew,
        **fates,
    }


class Delays:
    """How many ms after it was posted each message came."""

    def __init__(self) -> None:
        self.ms: list[float] = []

    def hear(self, payload: bytes) -> None:
        """A message came."""
        at = payload.find(MARK)
        if at >= 0:
            self.ms.append((time.monotonic_ns() - int(payload[at + 2 : at + 22])) / 1e6)


async def _say_much(poster: Visitor, room: str, server: Program) -> float:
    """Post at the rate; by how many MiB the server's memory grew at most."""
    before = most = rss(server)
    began = time.monotonic()
    for n in range(int(RATE * SECONDS)):
        text = f"t={time.monotonic_ns():020} {TEXT}"
        poster.send(json.dumps({"type": "post", "room": room, "message": text}, ensure_ascii=False).encode())
        most = max(most, rss(server))
        await asyncio.sleep(max(0.0, began + (n + 1) / RATE - time.monotonic()))
    return (most - before) / 2**20


async def _fates(stopped: Sequence[Visitor], head: int) -> dict[str, float]:
    """What became of them: the first reads again, the others never do until they are cut off."""
    if not stopped:
        return {"caught up": 0, "sent away": 0}
    returning, *lost = stopped
    returning.transport.resume_reading()
    await _until(lambda: returning.seq == head or returning.gone)
    await asyncio.sleep(STALLED_S + 1)
    for visitor in lost:
        visitor.transport.resume_reading()
    await _until(lambda: all(visitor.gone for visitor in lost))
    sent_away = sum(not visitor.wrong for visitor in lost)
    return {"caught up": returning.seq == head and not returning.wrong, "sent away": sent_away}


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what is waited for is in the server
            await asyncio.sleep(0.01)


def _row(which: str, turns: Sequence[dict[str, float]]) -> report.Row:
    def middle(name: str) -> float:
        return round(median(turn[name] for turn in turns), 1)

    return {
        "": which,
        "p50 ms": middle("p50"),
        "p99 ms": middle("p99"),
        "missed by the others": int(sum(turn["missed"] for turn in turns)),
        "memory grew by, MiB": middle("grew"),
        "caught up": int(sum(turn["caught up"] for turn in turns)),
        "sent away": int(sum(turn["sent away"] for turn in turns)),
    }
