"""What a proof costs: hashing a log of 1 000 000 events (BENCH_VERIFY) into the tree, and verifying all of it.

In a process of its own, on SQLite and on PostgreSQL, one after the other; a head is signed for every 20 000 events.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import report
from tests.servers import Postgres

ROOT = Path(__file__).parents[1]
EVENTS = int(os.environ.get("BENCH_VERIFY", "1000000"))


def main() -> None:
    """Fill, measure, print."""
    with tempfile.TemporaryDirectory() as folder, Postgres(max_wal_size="8GB", shared_buffers="1GB") as postgres:
        urls = {"SQLite": f"sqlite:///{folder}/verbatim.sqlite3", "PostgreSQL": postgres.create_database()}
        rows = [{"database": name, **_measure(url)} for name, url in urls.items()]
    report.show("verify", f"Hashing and verifying {EVENTS:,} events in 2,000 rooms", rows)


def _measure(url: str) -> dict[str, object]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": "bench",
        "MASTER_KEY": "A" * 43 + "=",
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
    manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    subprocess.run(manage, cwd=ROOT, env=environment, check=True)
    measure = [sys.executable, "-m", "bench.verified", str(EVENTS)]
    told = subprocess.run(measure, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return {
        "hashed, events/s": round(figures["hashed"]),
        "verified, events/s": round(figures["verified"]),
        "memory more, MB": round(figures["grown_mb"]),
    }
