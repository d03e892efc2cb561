"""JSON that was spoilt: each time another value stands where one of its values was."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

JUNK: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    1e300,
    "x",
    "\ud800",
    "1e5.5",
    [],
    [None],
    {},
    {"x": {"y": []}},
    [[[[]]]],
)


def with_junk(text: str, times: int) -> Iterator[str]:
    """The text so many times, always with one value replaced, and once as brackets without an end."""
    chance = random.Random(text)
    value = json.loads(text)
    places = list(_places(value))
    for _ in range(times):
        changed = deepcopy(value)
        *way, last = chance.choice(places)
        inside = changed
        for step in way:
            inside = inside[step]
        inside[last] = chance.choice(JUNK)
        yield json.dumps(changed, separators=(",", ":"))
    yield text.replace(":", ":" + "[" * 100_000, 1)


def _places(value: Any, *way: Any) -> Iterator[tuple[Any, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inside:
        yield *way, step
        yield from _places(each, *way, step)
