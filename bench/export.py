"""What a room of a million events (BENCH_EVENTS) costs as a file: exported over REST and by command, checked, imported.

One server on SQLite; of ten events seven are messages, two reactions, one is an edit. Its memory is watched while a
client downloads as fast as it can. Then commands do the same, each in a process of its own, whose largest size is told.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from bench import report
from tests.cast import GENERAL

ROOT = Path(__file__).parents[1]
EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
MIB = 1024 * 1024


def main() -> None:
    """Fill a server, export it in every way, check and import what came out, print."""
    with tempfile.TemporaryDirectory() as folder:
        here, there = Deployment(Path(folder) / "here"), Deployment(Path(folder) / "there")
        key = here.run(sys.executable, "-m", "bench.filling", str(EVENTS)).strip()
        token = here.manage("createtoken", "bench").strip()
        with Serving(here, token) as serving:
            rows = [serving.download(form) for form in ("ndjson", "csv", "html")]
        file = Path(folder) / "export.ndjson"
        idle = here.measured("export", GENERAL, "--as-of", "0", "--output", str(file)).size
        export = ("export", GENERAL, "--output", str(file))
        rows.append(_row("manage.py export", here.measured(*export), idle))
        rows.append(_row("manage.py verify", here.measured("verify", str(file), "--public-key", key), idle))
        rows.append(_row("manage.py import", there.measured("import", str(file)), idle))
        contents = [each.manage("export", GENERAL, "--content") for each in (here, there)]
        assert contents[0] == contents[1] and contents[0].count("\n") == EVENTS, "the import has another content"
    remarks = ["Both servers' content is the same."]
    report.show("export", f"A room of {EVENTS:,} events as a file, on SQLite", rows, remarks)


class Taken:
    """How long something took, and how large (MiB) its process became."""

    def __init__(self, seconds: float, size: float, size_bytes: int = 0) -> None:
        self.seconds = seconds
        self.size = size
        self.size_bytes = size_bytes


class Deployment:
    """A server's folder, and the commands that work on it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": f"sqlite:///{folder}/verbatim.sqlite3",
            "LIMITS": "off",
        }
        self.manage("migrate", "--verbosity", "0", "--skip-checks")

    def manage(self, *words: str) -> str:
        """What a command prints."""
        return self.run(sys.executable, "manage.py", *words)

    def run(self, *command: str) -> str:
        """What a program prints."""
        done = subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a command."""
        return subprocess.Popen([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment)

    def measured(self, *words: str) -> Taken:
        """How long a command took, and how large it became."""
        began = time.monotonic()
        started = self.start(*words)
        _, status, used = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        assert started.returncode == 0, words
        return Taken(time.monotonic() - began, used.ru_maxrss / 1024)


class Serving:
    """A server that has caught up, and a client that downloads from it."""

    def __init__(self, deployment: Deployment, token: str) -> None:
        self._deployment = deployment
        self._headers = {"Authorization": f"Bearer {token}"}
        self._port = str(20_000 + os.getpid() % 20_000)

    def __enter__(self) -> "Serving":
        self._server = self._deployment.start("serve", "--port", self._port)
        while not self._caught_up():
            time.sleep(1)
        time.sleep(15)  # the last head is signed, the WAL is folded in
        self._process = psutil.Process(self._server.pid)
        self._idle = self._process.memory_info().rss / MIB
        return self

    def __exit__(self, *_: object) -> None:
        self._server.terminate()
        self._server.wait()

    def download(self, form: str) -> report.Row:
        """Download the room, and watch the server's memory."""
        sizes: list[int] = [0]
        over = Event()
        watching = Thread(target=self._watch, args=(sizes, over))
        watching.start()
        began, size_bytes = time.monotonic(), 0
        with self._ask(f"rooms/{GENERAL}/export?format={form}") as response:
            while piece := response.read(MIB):
                size_bytes += len(piece)
        taken = Taken(time.monotonic() - began, max(sizes) / MIB, size_bytes)
        over.set()
        watching.join()
        return _row(f"GET …/export?format={form}", taken, self._idle)

    def _watch(self, sizes: list[int], over: Event) -> None:
        while not over.wait(0.05):
            sizes.append(self._process.memory_info().rss)

    def _caught_up(self) -> bool:
        try:
            with self._ask("projections") as response:
                return all(not each["lag_events"] for each in json.load(response)["items"])
        except OSError:
            return False

    def _ask(self, path: str) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}"
        return urllib.request.urlopen(urllib.request.Request(url, headers=self._headers))


def _row(what: str, taken: Taken, idle: float) -> report.Row:
    return {
        "": what,
        "seconds": round(taken.seconds, 1),
        "events/s": round(EVENTS / taken.seconds),
        "MB": round(taken.size_bytes / 1e6) if taken.size_bytes else "",
        "most MiB": round(taken.size),
        "over idle": round(taken.size - idle),
    }
