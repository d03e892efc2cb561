"""A contender's long-running programs, and the generator beside them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from bench.shapes.dialect import LOOPBACK
from bench.shapes.meter import Figures, tree_cpu_s
from tests.server_process import Server
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.5
AT_REST_CORES = 0.05
SETTLE_S = 20.0


class Program(Server):
    """One command, which finds its port in PORT and, as `{port}`, in its arguments; with port 0 it has none."""

    def __init__(self, *command: str, environment: Mapping[str, str], port: int | None = None) -> None:
        super().__init__()
        self.port = free_port() if port is None else port
        self._command = [word.format(port=self.port) for word in command]
        self.environment = {**os.environ, "PORT": str(self.port), **environment}

    def settle(self) -> None:
        """Wait until it has come to rest: its second process may start later than its first."""
        deadline = time.monotonic() + SETTLE_S
        before_s, now_s = -1.0, tree_cpu_s(pid(self))
        while now_s - before_s > AT_REST_CORES * LOOK_S and time.monotonic() < deadline:
            time.sleep(LOOK_S)
            before_s, now_s = now_s, tree_cpu_s(pid(self))

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, cwd=ROOT, env=self.environment, **how)

    def _answers(self) -> bool:
        if not self.port:
            return True
        try:
            urlopen(f"http://{LOOPBACK}:{self.port}/health/live", timeout=2).close()
        except HTTPError:
            return True  # whatever it says of this address, it says something
        except OSError:
            return False
        return True


def pid(server: Server) -> int:
    """The root of a running server's processes."""
    return int((server.folder / "pid").read_text())


@dataclass(frozen=True)
class Target:
    """A contender while it runs: its dialect, where it listens, and the roots of its process trees, by part."""

    dialect: str
    port: int
    parts: dict[str, int]

    def load(self, shape: str, seconds: float, messages: int = 0) -> Figures:
        """Let the generator take one turn; answers its figures."""
        target = json.dumps({"dialect": self.dialect, "port": self.port, "parts": self.parts})
        command = [sys.executable, "-m", "bench.shapes.load", shape, target, str(seconds), str(messages)]
        figures: Figures = json.loads(subprocess.check_output(command, cwd=ROOT, text=True))
        return figures
