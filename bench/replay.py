"""How punctual a replay is: an hour of a room at 100 times its speed, and how soon pause, seek and stop act.

A real server on SQLite, a real socket; live messages are posted into the room all the while.
"""

import asyncio
import json
import os
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import django
import uvloop

from bench import report
from tests.cast import GENERAL, NOON
from tests.realtime.client import Client
from tests.realtime.world import World, sqlite_world

HOUR_MS = 3_600_000
EVENTS = 2000
SPEED = 100
ROUNDS = 20
LIVE_EVERY_S = 0.05


def main() -> None:
    """Measure and print the table."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LIMITS": "off"}
    django.setup()
    with tempfile.TemporaryDirectory() as folder:
        rows = uvloop.run(_measure(Path(folder)))
    title = f"A replay of an hour with {EVENTS:,} events at {SPEED}×, ms (controls: {ROUNDS} times each)"
    report.show("replay", title, rows)


async def _measure(folder: Path) -> list[report.Row]:
    times = sorted(random.Random(5).sample(range(NOON, NOON + HOUR_MS), EVENTS))
    async with sqlite_world(folder) as world, world.serve():
        await world.fill_at(*times)
        async with world.connect() as client:
            await client.subscribe(GENERAL)
            posting = asyncio.create_task(_post(world))
            rows = [_row("an event, from when it is due", await _lateness(client, times))]
            for control, fields in {"pause": {}, "seek": {"seq": 1000}, "stop": {}}.items():
                rows.append(_row(control, [await _control(client, control, fields) for _ in range(ROUNDS)]))
            posting.cancel()
    return rows


async def _post(world: World) -> None:
    while True:
        await world.say("live")
        await asyncio.sleep(LIVE_EVERY_S)


async def _lateness(client: Client, times: list[int]) -> list[float]:
    """How far from its time each event came, in ms, counted from the first one."""
    loop = asyncio.get_running_loop()
    await client.send("replay", room=GENERAL, **{"from": 1, "to": len(times), "speed": SPEED, "max_gap_ms": HOUR_MS})
    came: dict[int, float] = {}
    live = 0
    while (frame := json.loads(await client.connection.recv())).get("state") != "ended":
        if frame.get("replay"):
            came[frame["seq"]] = loop.time()
        live += frame["type"] == "event" and not frame.get("replay")
    assert list(came) == list(range(1, len(times) + 1))
    assert live > HOUR_MS / 1000 / SPEED / LIVE_EVERY_S / 2
    return [abs((came[seq] - came[1]) * 1000 - (at - times[0]) / SPEED) for seq, at in enumerate(times, 1)]


async def _control(client: Client, control: str, fields: Mapping[str, Any]) -> float:
    """How long until it acted: for `seek` until the event came that was sought, else until nothing more comes."""
    await client.ask("replay", room=GENERAL, **{"from": 1, "speed": SPEED})
    await asyncio.sleep(0.1)
    loop = asyncio.get_running_loop()
    began = last = loop.time()
    await client.send(control, id="now", room=GENERAL, **fields)
    wanted = fields.get("seq")
    while True:
        frame = json.loads(await client.connection.recv())
        last = loop.time()
        if frame.get("replay") and frame["seq"] == wanted:
            break
        if frame.get("id") == "now" and wanted is None:
            break
    await client.send("stop", id="then", room=GENERAL)
    while (frame := json.loads(await client.connection.recv())).get("id") != "then":
        assert wanted or not frame.get("replay"), "something came after the answer"
    return (last - began) * 1000


def _row(what: str, took_ms: list[float]) -> report.Row:
    took_ms.sort()
    return {
        "": what,
        "p50": round(median(took_ms), 1),
        "p99": round(took_ms[int(len(took_ms) * 0.99)], 1),
        "most": round(took_ms[-1], 1),
    }
