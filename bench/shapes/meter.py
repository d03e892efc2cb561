"""CPU of process trees, by part, and what the rest of the machine used meanwhile."""

import time
from collections.abc import Mapping

import psutil

type Figures = dict[str, float]


class Meter:
    """Measures from when it is made. `parts` are the roots of process trees, by name."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self._parts = parts
        self._began = time.monotonic()
        self._cpu = self._by_part()
        self._machine = machine_cpu_s()

    def read(self, units: int) -> Figures:
        """`wall_s`; CPU µs a unit of each part and of all but the generator; cores that `others` used."""
        wall_s = time.monotonic() - self._began
        used = {part: cpu_s - self._cpu[part] for part, cpu_s in self._by_part().items()}
        others_s = machine_cpu_s() - self._machine - sum(used.values())
        figures = {part: cpu_s / max(units, 1) * 1e6 for part, cpu_s in used.items()}
        figures["cpu"] = sum(figures.values()) - figures["generator"]
        figures["generator cores"] = used["generator"] / wall_s
        return {"wall_s": wall_s, **figures, "others": others_s / wall_s}

    def _by_part(self) -> Figures:
        return {part: tree_cpu_s(pid) for part, pid in self._parts.items()}


def tree_cpu_s(root: int) -> float:
    """CPU seconds of a process, its living descendants, and those that they have buried."""
    process = psutil.Process(root)
    return sum(sum(each.cpu_times()[:4]) for each in (process, *process.children(recursive=True)))


def machine_cpu_s() -> float:
    """CPU seconds of everything on this machine since it booted, but for time stolen by its host."""
    times = psutil.cpu_times()
    busy = ("user", "nice", "system", "irq", "softirq")
    return sum(getattr(times, name, 0.0) for name in busy)


def percentile(values: list[int], percent: float) -> float:
    """Of delays in µs, in ms; `values` is sorted in place."""
    values.sort()
    return values[int((len(values) - 1) * percent / 100)] / 1000 if values else float("nan")
