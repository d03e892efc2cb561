"""What a rebuild costs those who chat: posts and pages before and during `manage.py rebuild --all`, and its own rate.

Before the rebuild they are also measured beside a loop that only takes what processor time nobody wants (`SCHED_IDLE`,
as a rebuild's own process does): what that costs, a machine costs that is busy, whatever it does.

On PostgreSQL a log of 1 000 000 events (BENCH_REBUILD) is rebuilt while 200 messages a second are posted and 50 pages
read. On SQLite (a fifth of it, 20 and 20 a second) a stranger writes to the file besides, and tells how long it had to
wait.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from bench import report
from bench.shapes.program import Program
from tests.servers import Postgres

ROOT = Path(__file__).parents[1]
EVENTS = int(os.environ.get("BENCH_REBUILD", "1000000"))
SERVER = {"shared_buffers": "1GB", "max_wal_size": "8GB", "min_wal_size": "2GB", "checkpoint_timeout": "15min"}
"""As docs/deploy.md has it. A server with few WAL files to use again makes new ones, and commits wait for each."""
BEFORE_S = 20.0
SETTLE_S = 2.0
LOOK_S = 0.2
PROBE_EVERY_S = 0.01
MANAGE = (sys.executable, "manage.py")
AUTOGROUP = Path("/proc/sys/kernel/sched_autogroup_enabled")
"""Whether a rebuild's priority counts only within its own session (docs/deploy.md says to switch that off)."""
IDLING = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
RATE = re.compile(r"([\d,]+)/s")


class Asked(NamedTuple):
    """A request: what, when it was due (Unix s), how long it took from then (ms), and its status."""

    what: str
    due: float
    took_ms: float
    status: int


def main() -> None:
    """Measure on both databases, and print a table for each."""
    with Postgres(**SERVER) as postgres, ExitStack() as on:
        url = postgres.create_database()
        _prepare(url, EVENTS)
        on.enter_context(Program(*MANAGE, "runprojections", environment=_environment(url), port=0))
        _wait_until_projected(url, EVENTS)
        postgres.execute("VACUUM ANALYZE", url.rpartition("/")[2])  # as a log is that was not written all at once
        postgres.execute("CHECKPOINT")
        _show("rebuild", f"Rebuilding {EVENTS:,} events on PostgreSQL", _measure(url, EVENTS, 200, 50))
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/verbatim.sqlite3"
        _prepare(url, EVENTS // 5)
        _show("rebuild-sqlite", f"Rebuilding {EVENTS // 5:,} events on SQLite", _measure(url, EVENTS // 5, 20, 20))


def _prepare(url: str, events: int) -> None:
    began = time.monotonic()
    _run(url, *MANAGE, "migrate", "--verbosity", "0", "--skip-checks")
    _run(url, sys.executable, "-m", "bench.planting", str(events))
    print(f"planted {events:,} events in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _measure(url: str, events: int, posts: int, pages: int) -> list[report.Row]:
    asked: list[Asked] = []
    with ExitStack() as on:
        web = on.enter_context(Program(*MANAGE, "serve", "--port", "{port}", environment=_environment(url)))
        _wait_until_projected(url, events)
        probe = on.enter_context(Probe(url)) if url.startswith("sqlite") else None
        on.enter_context(_people(url, web.port, posts, pages, asked))
        spans = {"before": _spend(BEFORE_S)}
        spans["beside a loop"] = _beside_a_loop()
        time.sleep(SETTLE_S)
        began = time.time()
        told = _run(url, *MANAGE, "rebuild", "--all")
        spans["during"] = (began, time.time())
        time.sleep(SETTLE_S)
    rows = [row for what in ("post", "page") for row in _rows(what, asked, spans)]
    if probe:
        waits = [Asked("a stranger's write", due, took_ms, 200) for due, took_ms in probe.waits]
        rows += _rows("a stranger's write", waits, spans)
    rate = RATE.findall(told)[-1]
    equal, tables = told.count(": equal"), told.count("rows, checksum")
    print(told, file=sys.stderr)
    began, ended = spans["during"]
    autogroup = f"; sched_autogroup_enabled {AUTOGROUP.read_text().strip()}" if AUTOGROUP.exists() else ""
    remark = f"the rebuild: {ended - began:.0f} s, {rate} events/s, {equal} of {tables} tables equal{autogroup}"
    return [*rows, {"": remark}]


@contextmanager
def _people(url: str, port: int, posts: int, pages: int, asked: list[Asked]) -> Iterator[None]:
    """People who post and read meanwhile; at the end `asked` has what they asked for."""
    command = [sys.executable, "-m", "bench.people", str(port), str(posts), str(pages)]
    with subprocess.Popen(command, cwd=ROOT, env=_environment(url), stdout=subprocess.PIPE, text=True) as people:
        reading = threading.Thread(target=_collect, args=(people, asked))
        reading.start()
        try:
            yield
            assert people.poll() is None, "the people went away"
        finally:
            people.terminate()
            reading.join()


def _beside_a_loop() -> tuple[float, float]:
    """The span of time in which a loop takes what processor time nobody wants."""
    with subprocess.Popen([sys.executable, "-c", IDLING]) as idling:
        try:
            span = _spend(BEFORE_S)
            assert idling.poll() is None, "the loop ended"
        finally:
            idling.kill()
    return span


def _spend(seconds: float) -> tuple[float, float]:
    """The span of so much time that passes now, but for its beginning."""
    began = time.time()
    time.sleep(seconds)
    return began + SETTLE_S, time.time()


def _rows(what: str, asked: Sequence[Asked], spans: Mapping[str, tuple[float, float]]) -> list[report.Row]:
    """What they met in each span of time."""
    rows: list[report.Row] = []
    for when, (since, until) in spans.items():
        those = [each for each in asked if each.what == what and since <= each.due < until]
        took_ms = sorted(each.took_ms for each in those) or [0.0]
        rows.append({
            "": f"{what}, {when}",
            "asked": len(those),
            "failed": sum(each.status not in (200, 201) for each in those),
            "p50 ms": round(took_ms[len(took_ms) // 2], 1),
            "p99 ms": round(took_ms[int(len(took_ms) * 0.99)], 1),
            "most ms": round(took_ms[-1], 1),
        })  # fmt: skip
    return rows


class Probe:
    """Somebody else who writes to Django's file, a row every 10 ms, and notes how long each took."""

    def __init__(self, url: str) -> None:
        self._path = url.removeprefix("sqlite:///")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.waits: list[tuple[float, float]] = []

    def __enter__(self) -> "Probe":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=5)) as connection:
            connection.execute("CREATE TABLE probe (at REAL)")
            while not self._over.wait(PROBE_EVERY_S):
                began = time.time()
                connection.execute("BEGIN IMMEDIATE")
                waited_ms = (time.time() - began) * 1000
                connection.execute("INSERT INTO probe VALUES (?)", [began])
                connection.execute("COMMIT")
                self.waits.append((began, waited_ms))


def _collect(people: subprocess.Popen[str], asked: list[Asked]) -> None:
    assert people.stdout
    asked += [Asked(*json.loads(line)) for line in people.stdout if line.endswith("]\n")]


def _wait_until_projected(url: str, events: int) -> None:
    began = time.monotonic()
    while _checkpoint(url) < events:
        time.sleep(LOOK_S)
    took_s = time.monotonic() - began
    print(f"the projections came to the end of the log in {took_s:.0f} s", file=sys.stderr)


def _checkpoint(url: str) -> int:
    statement = "SELECT coalesce(min(position), 0) FROM checkpoint WHERE projection IN ('directory', 'history')"
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=5)) as connection:
            return int(connection.execute(statement).fetchone()[0])
    with psycopg.connect(url) as connection:
        row = connection.execute(statement).fetchone()
        assert row
        return int(row[0])


def _run(url: str, *command: str) -> str:
    """What it printed. Raises: CalledProcessError."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=_environment(url),
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.stdout


def _environment(url: str) -> Mapping[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": "bench",
        "MASTER_KEY": "A" * 43 + "=",
        "LIMITS": "off",
    }


def _show(name: str, title: str, rows: Sequence[report.Row]) -> None:
    *rows, remark = rows
    report.show(name, title, rows, [str(remark[""])])
