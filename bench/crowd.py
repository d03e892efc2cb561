"""Many visitors in a process of their own: `python -m bench.crowd PORT COUNT ROOM AFTER`.

They come all at once, AFTER being where they resume (-1: at the head; ROOM may hold `{n}`, to give each a room of its
own). Once all have caught up it prints `{"took_s", "wrong", "lost"}`; at each line that it reads it tells how they are
by then, as `{"least", "wrong", "lost"}`, and it ends, cutting all of them off, when there is no more to read.
"""

import asyncio
import json
import sys
import time

import uvloop

from bench.visitor import Visitor

AT_ONCE = 500
"""Handshakes on their way; a machine that had more would need more than one address."""
PATIENCE_S = 30.0


async def main(port: int, count: int, room: str, after: int) -> None:
    """Come, and stay."""
    began = time.monotonic()
    turns = asyncio.Semaphore(AT_ONCE)

    async def come(number: int) -> Visitor | None:
        name = room.format(n=number)
        subscribe = json.dumps({"type": "subscribe", "room": name, "after": after}) if after >= 0 else ""
        async with turns:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    visitor = await Visitor.connect(port, "/chat/" if after >= 0 else f"/chat/{name}/", subscribe)
                    await visitor.caught_up
            except (OSError, TimeoutError) as error:
                print(f"a visitor could not come: {error!r}", file=sys.stderr)
                return None
        return visitor

    found = await asyncio.gather(*map(come, range(count)))
    visitors = [visitor for visitor in found if visitor]
    took_s = time.monotonic() - began
    print(json.dumps({"took_s": took_s, **_state(visitors, count)}), flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(_state(visitors, count)), flush=True)
    for visitor in visitors:
        visitor.transport.abort()


def _state(visitors: list[Visitor], count: int) -> dict[str, int]:
    there = [visitor for visitor in visitors if not visitor.gone]
    wrong = sum(visitor.wrong for visitor in visitors)
    return {"least": min((visitor.seq for visitor in there), default=0), "wrong": wrong, "lost": count - len(there)}


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
