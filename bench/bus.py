"""Carrying events between processes: Verbatim's bus against redis-py's asynchronous pub/sub, CPU by part.

One process publishes a batch every few milliseconds, another one hears all of it; both are of the same contender.
Contenders take turns on one server (A B A B A B); medians are shown, less what the benchmark itself costs.
"""

import json
import subprocess
import sys
from statistics import median

from bench import report
from tests.servers import Valkey

CONTENDERS = ("verbatim", "redis-py")
BATCHES = (1, 8, 32, 128)
ROUNDS = 3
SECONDS = 3.0
PARTS = {"publish": "µs per batch published", "hear": "µs per message heard", "delay": "delay p99 ms"}


def main() -> None:
    """Measure and print the table."""
    with Valkey() as server:
        rows = [_row(server.url, batch) for batch in BATCHES]
    report.show("bus", f"The bus: a batch in 16 rooms every 5 ms, CPU (median of {ROUNDS})", rows)


def _row(url: str, batch: int) -> report.Row:
    taken = [(name, _run(name, url, batch)) for _ in range(ROUNDS) for name in CONTENDERS]
    own = _publish("nothing", url, batch)["publish"]
    for _, figures in taken:
        figures["publish"] -= own
    row: dict[str, object] = {"events a batch": batch}
    for part, title in PARTS.items():
        for name in CONTENDERS:
            row[f"{title}, {name}"] = round(median(figures[part] for ran, figures in taken if ran == name), 1)
    return row


def _run(contender: str, url: str, batch: int) -> dict[str, float]:
    hearing = subprocess.Popen(_command(contender, "hear", url, batch), stdout=subprocess.PIPE, text=True)
    assert hearing.stdout
    hearing.stdout.readline()
    published = _publish(contender, url, batch)
    heard, _ = hearing.communicate()
    taken: dict[str, float] = published | json.loads(heard)
    return taken


def _publish(contender: str, url: str, batch: int) -> dict[str, float]:
    done = subprocess.run(_command(contender, "publish", url, batch), check=True, capture_output=True, text=True)
    taken: dict[str, float] = json.loads(done.stdout)
    return taken


def _command(contender: str, end: str, url: str, batch: int) -> list[str]:
    return [sys.executable, "-m", "bench.carrying", contender, end, url, str(batch), str(SECONDS)]
