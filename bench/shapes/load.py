"""The generator: `python -m bench.shapes.load SHAPE TARGET SECONDS [MESSAGES]` prints one turn's figures as JSON.

TARGET is JSON: `{"dialect", "port", "parts": {name: pid}}`.
"""

import asyncio
import gc
import json
import os
import sys
from typing import Any

import uvloop

from bench.shapes import closed_loop, pages, rising
from bench.shapes.dialect import DIALECTS, Dialect
from bench.shapes.meter import Figures


async def load(shape: str, target: dict[str, Any], seconds: float, messages: int) -> Figures:
    """One turn."""
    dialect, port = DIALECTS[target["dialect"]], target["port"]
    parts = {**target["parts"], "generator": os.getpid()}
    gc.freeze()
    gc.disable()
    match shape:
        case _ if shape in closed_loop.CROWDS:
            figures = await closed_loop.run(dialect, port, parts, seconds, closed_loop.CROWDS[shape])
            return figures | await _behind(dialect, port)
        case "s2":
            return await rising.run(dialect, port, parts, seconds)
        case "h":
            return await pages.run(dialect, port, parts, seconds, messages)
        case "fill":
            await pages.fill(dialect, port, messages)
            return {}
        case unknown:
            raise ValueError(f"no shape is called {unknown}")


async def _behind(dialect: Dialect, port: int) -> Figures:
    """By how many events the read models are behind, where there are any."""
    if not dialect.projections:
        return {}
    connection = await pages.connect(port)
    answer = json.loads(await connection.get(dialect.projections))
    return {"behind": max(item["lag_events"] for item in answer["items"])}


if __name__ == "__main__":
    _, shape, target, seconds, *messages = sys.argv
    running = load(shape, json.loads(target), float(seconds), int(messages[0]) if messages else 0)
    print(json.dumps(asyncio.run(running, loop_factory=uvloop.new_event_loop)))
