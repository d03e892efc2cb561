"""What the benchmarks of sockets run: one web process with its store, and crowds of visitors beside it."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import psutil

from bench.shapes.program import ROOT, Program, pid
from tests.servers import Postgres

SETTINGS = {
    "LIMITS": "off",
    "REDIS_URL": "",
    "SECRET_KEY": "a secret of the benchmarks",
    "MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
}
MANAGE = (sys.executable, "manage.py")


@contextmanager
def on_postgres() -> Iterator[Program]:
    """One web process on a PostgreSQL of its own."""
    with Postgres() as postgres, _serving({"DATABASE_URL": postgres.create_database()}) as server:
        yield server


@contextmanager
def on_sqlite() -> Iterator[Program]:
    """One web process on SQLite, with its projections."""
    with _serving({"DATABASE_URL": "sqlite:///{folder}/verbatim.sqlite3"}) as server:
        yield server


@contextmanager
def _serving(where: Mapping[str, str]) -> Iterator[Program]:
    server = Program(*MANAGE, "serve", "--port", "{port}", environment={})
    environment = {name: text.format(folder=server.folder) for name, text in where.items()} | SETTINGS
    server.environment |= environment
    migrate = [*MANAGE, "migrate", "--verbosity", "0", "--skip-checks"]
    subprocess.run(migrate, cwd=ROOT, env=server.environment, check=True)
    with server:
        yield server
        server.stop()


def cpu_s(server: Program) -> float:
    """CPU seconds that a server has used."""
    times = psutil.Process(pid(server)).cpu_times()
    return float(times.user + times.system)


def rss(server: Program) -> int:
    """Bytes of memory that a server has."""
    return int(psutil.Process(pid(server)).memory_info().rss)


class Crowd:
    """Many visitors (`bench.crowd`), who come when it is entered, and are cut off all at once when it is left."""

    def __init__(self, port: int, count: int, room: str, after: int = -1) -> None:
        self._command = [sys.executable, "-m", "bench.crowd", str(port), str(count), room, str(after)]
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()

    def arrived(self) -> dict[str, Any]:
        """Wait until all have come and caught up; how long that took, and what went wrong."""
        assert self._process.stdout
        came: dict[str, Any] = json.loads(self._process.stdout.readline())
        return came

    def now(self) -> dict[str, int]:
        """The smallest seq that somebody has, and what went wrong by now."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        state: dict[str, int] = json.loads(self._process.stdout.readline())
        return state
