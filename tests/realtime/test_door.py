"""The door: in order, so many in a turn, and nobody waits where nobody is."""

import asyncio
from functools import partial
from itertools import pairwise

from realtime.door import IN_A_TURN, Door


async def test_where_few_come_nobody_waits() -> None:
    door = Door()
    seen: list[int] = []
    for turn in range(3):
        for n in range(IN_A_TURN):
            door.enter(partial(seen.append, n))
        assert len(seen) == (turn + 1) * IN_A_TURN
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def test_many_go_through_in_order_so_many_in_a_turn() -> None:
    door = Door()
    seen: list[int] = []
    counts = []
    for n in range(5 * IN_A_TURN):
        door.enter(partial(seen.append, n))
    while len(seen) < 5 * IN_A_TURN:
        counts.append(len(seen))
        door.enter(partial(seen.append, 1000 + len(counts)))
        await asyncio.sleep(0)
    assert [n for n in seen if n < 1000] == list(range(5 * IN_A_TURN))
    assert all(later - earlier <= IN_A_TURN for earlier, later in pairwise(counts))
    while len(seen) < 5 * IN_A_TURN + len(counts):
        await asyncio.sleep(0)
    assert [n for n in seen if n >= 1000] == sorted(n for n in seen if n >= 1000)
