"""A storm: thousands of sockets are cut at once, come back at once, and resume over what they missed.

Somebody goes on posting all the while; how long the acknowledgements take is measured beside the storm and in it.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from statistics import quantiles
from typing import Any

import uvloop

from bench import report
from bench.served import Crowd, cpu_s, on_postgres
from bench.shapes.program import Program
from tests.realtime.client import Client

SOCKETS = 5_000
BACKLOG = 200
ROOM = "storm"
EVERY_S = 0.2
CALM_S = 8.0
CAUGHT_UP_S = 60.0


def main() -> None:
    """Measure and print the table."""
    with on_postgres() as server:
        row = uvloop.run(_measure(server))
    title = (
        f"{SOCKETS:,} sockets are cut and come back at once, {BACKLOG} events behind; {1 / EVERY_S:.0f} posts a second"
    )
    report.show("storm", title, [row])


async def _measure(server: Program) -> report.Row:
    async with Client.connect(server.port, "/chat/", origin=f"http://127.0.0.1:{server.port}") as poster:
        await poster.receive("welcome")
        await poster.ask("post", room=ROOM, message="the first one")
        with Crowd(server.port, SOCKETS, ROOM) as crowd:
            first = await _wait(crowd.arrived)
        head = (await _post(poster, 0))["seq"]
        calm = await _post_for(poster, CALM_S)
        for n in range(BACKLOG):
            head = (await _post(poster, n))["seq"]
        began_s = cpu_s(server)
        with Crowd(server.port, SOCKETS, ROOM, after=head - BACKLOG) as crowd:
            async with _posting(poster) as (acks, last):
                back = await _wait(crowd.arrived)
                took_s = cpu_s(server) - began_s
            state = await _all_have(crowd, last[0])
    return {
        "first came, s": round(first["took_s"], 1),
        "all caught up, s": round(back["took_s"], 1),
        "server's CPU, s": round(took_s, 1),
        "wrong": state["wrong"],
        "lost": state["lost"],
        "posts meanwhile": len(acks),
        "ack p50 ms": round(quantiles(acks, n=100)[49], 1),
        "ack p99 ms": round(quantiles(acks, n=100)[98], 1),
        "before: p99 ms": round(quantiles(calm, n=100)[98], 1),
    }


async def _wait(call: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, call)


async def _post(poster: Client, n: int) -> dict[str, Any]:
    await poster.send("post", id=n, room=ROOM, message=f"line {n} " + "x" * 120)
    while (frame := json.loads(await poster.connection.recv())).get("id") != n:
        pass
    assert frame["type"] == "posted", frame
    return dict(frame)


async def _post_for(poster: Client, seconds: float) -> list[float]:
    """Post at intervals; how many ms each acknowledgement took."""
    until = time.monotonic() + seconds
    acks = []
    while time.monotonic() < until:
        acks.append((await _timed(poster))[0])
        await asyncio.sleep(EVERY_S)
    return acks


async def _timed(poster: Client) -> tuple[float, int]:
    began = time.monotonic()
    posted = await _post(poster, -1)
    return (time.monotonic() - began) * 1000, posted["seq"]


@contextlib.asynccontextmanager
async def _posting(poster: Client) -> AsyncIterator[tuple[list[float], list[int]]]:
    """Post at intervals meanwhile: how many ms each acknowledgement took, and the last seq."""
    acks: list[float] = []
    last = [0]
    done = asyncio.Event()

    async def post() -> None:
        while not done.is_set():
            took_ms, last[0] = await _timed(poster)
            acks.append(took_ms)
            await asyncio.sleep(EVERY_S)

    posting = asyncio.create_task(post())
    try:
        yield acks, last
    finally:
        done.set()
        await posting


async def _all_have(crowd: Crowd, seq: int) -> dict[str, int]:
    """Wait until everybody has this event."""
    async with asyncio.timeout(CAUGHT_UP_S):
        while (state := await _wait(crowd.now))["least"] < seq:  # noqa: ASYNC110 - another process counts
            await asyncio.sleep(0.1)
    found: dict[str, int] = state
    return found
