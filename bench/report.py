"""Tables on the terminal, figures in bench/results/, and from there into docs/performance.md."""

import json
import os
import platform
import re
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
BLOCK = "<!-- {name}: written by `make performance` -->\n{body}\n<!-- end of {name} -->"
LOAD_BEFORE = os.getloadavg()[0]

type Row = Mapping[str, object]


def show(name: str, title: str, rows: Sequence[Row], remarks: Sequence[str] = (), turns: Any = None) -> None:
    """Print rows under their keys, with remarks; save them with the machine and the time they were taken at."""
    lines = cells(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    for remark in remarks:
        print(f"  {remark}")
    document = {"title": title, "rows": list(rows), "remarks": list(remarks), **circumstances(), "turns": turns}
    print(f"  {taken(document)}")
    path = RESULTS / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    RESULTS.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1))
    print(f"  → {path}")


def circumstances() -> dict[str, object]:
    """What figures depend on: the day, the machine, the load of it before we began, the command."""
    return {
        "taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpus": os.cpu_count(),
        "machine": _processor(),
        "python": platform.python_version(),
        "load_before": round(LOAD_BEFORE, 2),
        "command": " ".join(["python -m bench", *sys.argv[1:]]),
    }


def publish() -> None:
    """Write the newest figures of every block of docs/performance.md into it."""
    page = PAGE.read_text()
    for name in re.findall(r"<!-- end of (\S+) -->", page):
        newest = max(filter(_is_whole, RESULTS.glob(f"{name}-2*.json")), default=None)
        if newest:
            page = put(page, name, markdown(json.loads(newest.read_text())))
            print(f"docs/performance.md: {name} from {newest.name}")
        else:
            print(f"docs/performance.md: {name} stays as it is; there are no figures")
    PAGE.write_text(page)


def _is_whole(result: Path) -> bool:
    """Whether figures tell their circumstances; those of earlier versions do not."""
    return "load_before" in json.loads(result.read_text())


def put(page: str, name: str, body: str) -> str:
    """The page with another body in the block of that name."""
    block = re.compile(rf"<!-- {re.escape(name)}: .*?<!-- end of {re.escape(name)} -->", re.DOTALL)
    return block.sub(lambda _: BLOCK.format(name=name, body=body), page)


def markdown(document: Mapping[str, Any]) -> str:
    """A table with its remarks and circumstances."""
    head, *lines = cells(document["rows"])
    table = [head, [":--", *["--:"] * (len(head) - 1)], *lines]
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in table]
    return "\n".join([f"**{document['title']}**", "", *rows, "", *document["remarks"], "", f"*{taken(document)}*"])


def taken(document: Mapping[str, Any]) -> str:
    """When, where and how figures were taken."""
    return (
        f"{document['taken_at'][:16].replace('T', ' ')} UTC, {document['cpus']} × {document['machine']}, Python "
        f"{document['python']}, load average before {document['load_before']}: `{document['command']}`"
    )


def cells(rows: Sequence[Row]) -> list[list[str]]:
    """The titles, then the cells of each row."""
    titles = list(rows[0])
    return [titles, *([_cell(row.get(title, "")) for title in titles] for row in rows)]


def _cell(value: object) -> str:
    match value:
        case float():
            return f"{value:,.1f}"
        case int():
            return f"{value:,}"
    return str(value)


def _processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.machine()
