"""What bench/as_of.py measures: `python -m bench.past EVENTS` fills a room and prints its pages' p50 and p99 (ms)."""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import django
from django.db import connection, transaction

from commands.events import MessageEdited, MessagePosted, ReactionAdded, RoomOpened
from commands.store import Recorded
from commands.subscription import Fact
from config import parts
from projections import checkpoints
from projections.history import History
from projections.queries import Queries

BATCH = 5000
PAGES = 3000
WARM_UP = 200
MENDED = 100
"""Messages that are edited again and again."""
ROOM = "general"
TEXT = "The quick brown fox jumps over the lazy dog, and says so to everybody in the room. "


async def measure(events: int) -> dict[str, list[float]]:
    """p50 and p99 of each kind of page, in ms."""
    deployment = parts.build()
    await deployment.open()
    queries = Queries(deployment.log)
    await queries.open()
    chance = random.Random(7)

    def seq() -> int:
        return chance.randint(1, events)

    kinds: dict[str, Callable[[], Awaitable[object]]] = {
        "as it is": lambda: queries.page(ROOM, before=seq()),
        "as it was": lambda: queries.page(ROOM, as_of=seq()),
        "as it was, around": lambda: _around(queries, *sorted((seq(), seq()))),
        "as it was, much edited": lambda: queries.page(ROOM, before=MENDED + 60, as_of=chance.randint(500, events)),
        "as it was at a time": lambda: queries.page(ROOM, as_of_time=seq()),
    }

    took: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(WARM_UP + PAGES):
        for name, read in kinds.items():
            began = time.perf_counter()
            await read()
            if turn >= WARM_UP:
                took[name].append((time.perf_counter() - began) * 1000)
    await queries.close()
    await deployment.close()
    return {name: _p50_and_p99(each) for name, each in took.items()}


def _around(queries: Queries, around: int, as_of: int) -> Awaitable[object]:
    return queries.page(ROOM, around=around, as_of=as_of)


def _p50_and_p99(took_ms: list[float]) -> list[float]:
    took_ms.sort()
    return [took_ms[len(took_ms) // 2], took_ms[int(len(took_ms) * 0.99)]]


def fill(events: int) -> None:
    """Project the events of a room, as the projections do."""
    began = time.monotonic()
    history, facts = History(), []
    checkpoints.load(history.name)
    for fact in _facts(events):
        facts.append(fact)
        if len(facts) == BATCH or fact.recorded.seq == events:
            with transaction.atomic():
                history.apply(facts)
            facts.clear()
    checkpoints.move(history.name, 0, events)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    took_s = time.monotonic() - began
    print(f"projected {events:,} events in {took_s:.0f} s, {events / took_s:,.0f} a second", file=sys.stderr)


def _facts(events: int) -> Iterator[Fact]:

    chance = random.Random(1)
    posted: list[str] = []
    for seq in range(1, events + 1):
        about: dict[str, Any] = {"actor": f"guest:{seq % 5000:016x}", "occurred_at": seq, "request_id": f"{seq:032x}"}
        kind = chance.random()
        event: RoomOpened | MessagePosted | MessageEdited | ReactionAdded
        if seq == 1:
            event = RoomOpened(title="General", visibility="public", **about)
        elif kind < 0.7 or len(posted) <= MENDED:
            posted.append(f"{seq:032x}")
            event = MessagePosted(message_id=posted[-1], message=TEXT, handle="ada", **about)
        elif kind < 0.8:
            event = MessageEdited(message_id=posted[chance.randrange(MENDED)], message=f"{seq} {TEXT}", **about)
        elif kind < 0.9:
            event = MessageEdited(message_id=chance.choice(posted[-30:]), message=f"{seq} {TEXT}", **about)
        else:
            event = ReactionAdded(message_id=chance.choice(posted[-30:]), emoji="👍", **about)
        yield Fact(Recorded(seq, ROOM, seq, event.TOPIC, event.subject, b""), event)


if __name__ == "__main__":
    django.setup()
    fill(int(sys.argv[1]))
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))
