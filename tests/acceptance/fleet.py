"""Several web processes on one port, with their parent."""

import signal
import subprocess
from typing import Any

import psutil

from tests.acceptance.deployment import Web

WORKERS = 2
PATIENCE_S = 100.0
READY = b"Verbatim is at"


class Fleet(Web):
    """`manage.py serve --workers 2`."""

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        self._ready_before = self.ready
        return self._run("serve", "--workers", str(WORKERS), "--port", str(self.port), **how)

    def _answers(self) -> bool:
        return self.ready >= self._ready_before + WORKERS

    @property
    def ready(self) -> int:
        """How many workers have ever come to serve, by what they say."""
        return (self.folder / "log").read_bytes().count(READY)

    @property
    def workers(self) -> list[psutil.Process]:
        """The web processes that there are, the oldest first."""
        return sorted(self.process.children(), key=lambda worker: worker.create_time())

    def roll(self) -> None:
        """Replace every worker; those that there were are gone when this returns."""
        former = self.workers
        self.process.send_signal(signal.SIGHUP)
        await_end(former)

    def kill_parent(self) -> None:
        """`kill -9` the parent, and it alone."""
        assert self._process
        self._process.kill()
        self._process.wait(PATIENCE_S)
        self._forget()


def await_end(processes: list[psutil.Process]) -> None:
    """Wait until none of them is there. Raises: TimeoutError."""
    _, left = psutil.wait_procs(processes, PATIENCE_S)
    if left:
        raise TimeoutError(f"still there after {PATIENCE_S} s: {left}")
