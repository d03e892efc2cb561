"""Tables on the terminal, figures in bench/results/."""

import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"

type Row = Mapping[str, object]


def table(title: str, rows: Sequence[Row]) -> None:
    """Print rows under their keys."""
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name, "")) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    print(f"\n{title}")
    for line in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def save(name: str, rows: Sequence[Row]) -> None:
    """Write the figures with the machine and the time they were taken at."""
    RESULTS.mkdir(exist_ok=True)
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    document = {"taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **machine, "rows": list(rows)}
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(document, indent=1))
    print(f"  → {path}")


def _cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
