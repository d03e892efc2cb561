"""Turns become rows and remarks. A turn in which somebody did not get everything, once, in order, has no figures."""

from collections.abc import Sequence
from statistics import median

from bench import report
from bench.fanout.generator import faults
from bench.shapes.meter import Figures

type Turns = dict[str, list[Figures]]
type Columns = Sequence[tuple[str, str, int]]
"""A title, the figure under it, its digits."""

PARTS: Columns = [
    *((part, part, 2) for part in ("web", "projections", "database", "Redis", "generator")),
    ("generator's cores", "generator cores", 2),
]

WORDS = {
    "per_cpu_s": "Deliveries per CPU second",
    "rate": "Deliveries/s",
    "cpu": "CPU per delivery",
    "web cores": "Cores",
    "p50_ms": "Delivered p50",
}


def rows(turns: Turns, columns: Columns) -> list[report.Row]:
    """The medians of each contender's faultless turns."""
    return [_row(name, [figures for figures in taken if not faults(figures)], columns) for name, taken in turns.items()]


def _row(name: str, taken: Sequence[Figures], columns: Columns) -> report.Row:
    row: dict[str, object] = {"": name}
    for title, figure, digits in columns:
        values = [figures[figure] for figures in taken if figure in figures]
        row[title] = f"{median(values):,.{digits}f}" if values else "–"
    return row


def remarks(turns: Turns, compared: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """The pairs' ratios; then what disturbed, and what was wrong."""
    told = ratios(turns, compared, pairs)
    others = [figures["others"] for taken in turns.values() for figures in taken if "others" in figures]
    if others:
        told.append(f"Other programs used {median(others):.2f} cores (at most {max(others):.2f}).")
    wrong = {name: [fault for figures in taken for fault in faults(figures)] for name, taken in turns.items()}
    told += [f"{name} is left out where it was wrong: {'; '.join(what)}." for name, what in wrong.items() if what]
    return told


def ratios(turns: Turns, compared: str, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """How one figure of ours compares with a rival's, round by round, for each pair that is there."""
    return [_ratio(turns, compared, ours, rival) for ours, rival in pairs if {ours, rival} <= set(turns)]


def _ratio(turns: Turns, figure: str, ours: str, rival: str) -> str:
    rounds = [(a, b) for a, b in zip(turns[ours], turns[rival], strict=True) if not faults(a) and not faults(b)]
    found = [a[figure] / b[figure] for a, b in rounds]
    said = f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})" if found else "not measured"
    return f"{WORDS[figure]}, {ours} / {rival}: {said}."
