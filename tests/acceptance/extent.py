"""How much is done to a deployment: a little in `make test`, what was promised with CHAOS=long (`make chaos`).

Any number may be set by itself (CHAOS_KILLS=7). CHAOS_SEED repeats what chance has chosen.
"""

import os
import random

LONG = os.environ.get("CHAOS") == "long"
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))


def extent(name: str, short: float, *, long: float) -> float:
    """A number, or what the environment says instead."""
    return float(os.environ.get(f"CHAOS_{name}") or (long if LONG else short))


def count(name: str, short: int, *, long: int) -> int:
    """The same, of things."""
    return int(extent(name, short, long=long))
