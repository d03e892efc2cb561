"""`python -m bench [name …]`: all benchmarks that take minutes, or the ones that are named."""

import sys

from bench import appends, bus, size

BENCHMARKS = {"appends": appends.main, "bus": bus.main, "size": size.main}
DEFAULT = ["appends", "size"]

if __name__ == "__main__":
    for name in sys.argv[1:] or DEFAULT:
        BENCHMARKS[name]()
