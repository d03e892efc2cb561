"""`python -m bench [name …]`: all benchmarks (some 20 minutes), or the ones that are named. `publish` comes last."""

import sys
from collections.abc import Callable
from functools import partial

from bench import appends, as_of, bus, rebuild, replay, report, size
from bench.shapes import sitting

BENCHMARKS: dict[str, Callable[[], None]] = {
    "s1": partial(sitting.hold, sitting.S1),
    "s2": partial(sitting.hold, sitting.S2),
    "h": partial(sitting.hold, sitting.H),
    "appends": appends.main,
    "size": size.main,
    "as_of": as_of.main,
    "replay": replay.main,
    "rebuild": rebuild.main,
    "bus": bus.main,
    "publish": report.publish,
}
DEFAULT = ["s1", "s2", "h", "appends", "size", "as_of", "replay", "rebuild"]

if __name__ == "__main__":
    for name in sys.argv[1:] or DEFAULT:
        BENCHMARKS[name]()
