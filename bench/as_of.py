"""What as_of does: pages of a room of 1 000 000 events (BENCH_PAST), as it is and as it was, in turns, on PostgreSQL.

Three events in ten change an earlier message; a hundred messages were edited thousands of times. The pages are read as
a web process reads them, one after the other, from random places, as of random moments.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import report
from tests.servers import Postgres

ROOT = Path(__file__).parents[1]
EVENTS = int(os.environ.get("BENCH_PAST", "1000000"))


def main() -> None:
    """Fill a database, measure in a process of its own, print."""
    with Postgres(max_wal_size="8GB", checkpoint_timeout="15min", shared_buffers="1GB") as postgres:
        url = postgres.create_database()
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": url,
            "SECRET_KEY": "bench",
            "MASTER_KEY": "A" * 43 + "=",
        }
        manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
        subprocess.run(manage, cwd=ROOT, env=environment, check=True)
        measure = [sys.executable, "-m", "bench.past", str(EVENTS)]
        told = subprocess.run(measure, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, list[float]] = json.loads(told.stdout.splitlines()[-1])
    live = figures["as it is"]
    rows = [
        {"page": page, "p50 ms": f"{p50:.2f}", "p99 ms": f"{p99:.2f}", "of live, p99": f"{p99 / live[1]:.2f}"}
        for page, (p50, p99) in figures.items()
    ]
    report.show("as_of", f"Pages of 50 of a room of {EVENTS:,} events (3000 each, in turns)", rows)
