"""Durable appends: Verbatim's writer, and its whole command path, against Django's `acreate()` per message.

Every contender runs in a process of its own on the same server, in turns (A B C A B C A B C); medians are shown.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench import report
from tests.servers import Postgres

CONTENDERS = ("writer", "commands", "acreate")
POSTERS = (1, 32, 256)
ROUNDS = 3
SECONDS = 3.0


def main() -> None:
    """Measure on both databases and print the tables."""
    for database in ("postgresql", "sqlite"):
        rows = [_row(database, posters) for posters in POSTERS]
        report.show(f"appends-{database}", f"Durable appends on {database}, messages/s (median of {ROUNDS})", rows)


def _row(database: str, posters: int) -> report.Row:
    rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    latencies: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    for _ in range(ROUNDS):
        for name in CONTENDERS:
            with _fresh(database) as url:
                taken = _run(name, url, posters)
            rates[name].append(taken["rate"])
            latencies[name].append(taken["p99_ms"])
    row: dict[str, object] = {"posters": posters}
    for name in CONTENDERS:
        row[name] = round(median(rates[name]))
        row[f"{name} p99 ms"] = round(median(latencies[name]), 1)
    row["writer / acreate"] = round(median(rates["writer"]) / median(rates["acreate"]), 1)
    row["commands / acreate"] = round(median(rates["commands"]) / median(rates["acreate"]), 1)
    return row


@contextmanager
def _fresh(database: str) -> Iterator[str]:
    """The url of an empty database, PostgreSQL's on a server of its own with its defaults."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{Path(folder)}/bench.sqlite3"
    else:
        with Postgres() as postgres:
            yield postgres.create_database()


def _run(contender: str, url: str, posters: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.posting", contender, url, str(posters), str(SECONDS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    taken: dict[str, float] = json.loads(done.stdout)
    return taken
