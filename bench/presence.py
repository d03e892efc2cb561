"""What presence costs as a room grows: people join at 100 a second, in one of two processes that share a Valkey.

The sockets are counters: writing a frame costs a server some 7 µs more. CPU is that of one process, which plays both,
and the ones who join.
"""

import asyncio
import os
import re
import time
import tracemalloc
from collections.abc import Mapping
from typing import NamedTuple

import django
import uvloop

from bench import report
from realtime.company import Company
from realtime.redis_bus import RedisBus
from realtime.redis_exchange import RedisExchange
from realtime.server_frames import Somebody
from tests.cast import GENERAL
from tests.realtime.buses import until
from tests.servers import Valkey
from tests.valkey_cluster import ask

PEOPLE = (100, 1000, 10_000)
JOINS_PER_S = (0, 100)
SECONDS = 30.0
READY_S = 120.0


class Ear:
    """A socket that counts."""

    frames = size = 0

    def offer(self, frames: bytes) -> bool:
        Ear.frames += 1
        Ear.size += len(frames)
        return True


class Costs(NamedTuple):
    """What was spent by now; CPU in ms."""

    commands: float
    published: float
    redis_ms: float
    process_ms: float
    frames: float
    size: float


def main() -> None:
    """Measure and print the table."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LIMITS": "off"}
    django.setup()
    rows = [_row(people, joins) for people in PEOPLE for joins in JOINS_PER_S]
    report.show("presence", f"Presence in one room, two processes, {SECONDS:.0f} s", rows)


def _row(people: int, joins_per_s: int) -> report.Row:
    with Valkey() as server:
        return uvloop.run(_measure(server, people, joins_per_s))


async def _measure(server: Valkey, people: int, joins_per_s: int) -> report.Row:
    buses = [RedisBus(server.url) for _ in range(2)]
    companies = [Company(RedisExchange(bus)) for bus in buses]
    for bus, company in zip(buses, companies, strict=True):
        await bus.start()
        bus.subscribe(GENERAL)
        company.start()
    each = _fill(companies[0], people)
    companies[1].enter(GENERAL, Somebody(person="guest:other", handle="other"), Ear())
    await until(lambda: all(each.presence.gatherings[GENERAL].is_settled for each in companies), READY_S)
    before = _costs(server)
    await _join(companies[0], joins_per_s)
    row = _show(people, joins_per_s, before, _costs(server), each)
    for bus in buses:
        await bus.stop()
    return row


def _fill(company: Company, people: int) -> float:
    """So many come; answers the bytes that each of them costs the process, their name and socket included."""
    tracemalloc.start()
    for n in range(people):
        company.enter(GENERAL, Somebody(person=f"guest:{n:016x}", handle=f"Guest-{n:04x}"), Ear())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return taken / people


async def _join(company: Company, per_s: int) -> None:
    """Let people come at a steady rate."""
    began = time.monotonic()
    joined = 0
    while (passed := time.monotonic() - began) < SECONDS:
        while joined < passed * per_s:
            company.enter(GENERAL, Somebody(person=f"guest:new{joined:013x}", handle=f"New-{joined:04x}"), Ear())
            joined += 1
        await asyncio.sleep(0.01)


def _costs(server: Valkey) -> Costs:
    told: Mapping[str, str] = dict(re.findall(r"(\S+?):(\S+)\r", ask(server, "INFO", "everything").decode()))
    calls = {name: int(value.partition("=")[2].partition(",")[0]) for name, value in told.items() if "calls=" in value}
    redis_ms = 1000 * (float(told["used_cpu_user"]) + float(told["used_cpu_sys"]))
    published = calls.get("cmdstat_spublish", 0)
    return Costs(calls["cmdstat_evalsha"], published, redis_ms, 1000 * time.process_time(), Ear.frames, Ear.size)


def _show(people: int, joins_per_s: int, before: Costs, after: Costs, each: float) -> report.Row:
    a_second = Costs._make((now - then) / SECONDS for now, then in zip(after, before, strict=True))
    return {
        "people": people,
        "join/s": joins_per_s,
        "commands/s": round(a_second.commands, 2),
        "publishes/s": round(a_second.published, 2),
        "Redis CPU ms/s": round(a_second.redis_ms, 2),
        "process CPU ms/s": round(a_second.process_ms, 1),
        "frames/s": round(a_second.frames, 1),
        "KB/s": round(a_second.size / 1000, 1),
        "bytes a person": round(each),
    }
