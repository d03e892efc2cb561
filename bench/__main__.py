"""`python -m bench [name …]`: all benchmarks (some 35 minutes), or the ones that are named. `publish` comes last.

`fanout` may be followed by its parts: `python -m bench fanout closed steady`.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from bench import appends, as_of, bus, export, idle, presence, rebuild, replay, report, size, slow, storm, verify
from bench.fanout import sittings
from bench.shapes import sitting

BENCHMARKS: dict[str, Callable[[], None]] = {
    "s1": partial(sitting.hold, sitting.S1),
    "s1_proof": partial(sitting.hold, sitting.S1_PROOF),
    "s2": partial(sitting.hold, sitting.S2),
    "h": partial(sitting.hold, sitting.H),
    "appends": appends.main,
    "size": size.main,
    "as_of": as_of.main,
    "replay": replay.main,
    "rebuild": rebuild.main,
    "verify": verify.main,
    "export": export.main,
    "bus": bus.main,
    "presence": presence.main,
    "idle": idle.main,
    "slow": slow.main,
    "storm": storm.main,
    "publish": report.publish,
}
DEFAULT = ["s1", "s2", "h", "fanout", "appends", "size", "as_of", "replay", "rebuild", "verify", "export"]


def chosen(words: Sequence[str]) -> Iterator[Callable[[], None]]:
    """What these words ask for, in their order."""
    names = list(words)
    while names:
        name = names.pop(0)
        if name == "fanout":
            parts = []
            while names and names[0] in sittings.SITTINGS:
                parts.append(names.pop(0))
            yield partial(sittings.hold, parts)
        else:
            yield BENCHMARKS[name]


if __name__ == "__main__":
    for benchmark in chosen(sys.argv[1:] or DEFAULT):
        benchmark()
