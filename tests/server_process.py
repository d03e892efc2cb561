"""A server process with a temporary folder of its own, which nothing outlives.

When the process that started it dies without stopping it, a guard does so and removes the folder: a shell that waits
for the end of a pipe whose other end only we hold.
"""

import os
import signal
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Self

import psutil

START_S = 60.0
STOP_S = 60.0
REMOVE_S = 60.0
GUARD = """
read -r _
if [ -s pid ]; then
    pid=$(cat pid); n=0
    kill -QUIT "$pid"
    while kill -0 "$pid" && [ $n -lt 50 ]; do n=$((n + 1)); sleep 0.1; done
    kill -KILL "$pid"
fi 2>/dev/null
cd / && rm -rf "$1"
"""


class Server(ABC):
    """One server process, started by `with` or `start`, that can be killed and started again."""

    def __init__(self) -> None:
        reachable = "/tmp" if os.geteuid() == 0 else None  # noqa: S108 - for whom we start while being root
        self.folder = Path(tempfile.mkdtemp(prefix="verbatim-", dir=reachable))
        self.folder.chmod(0o711)
        self._process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            ["sh", "-c", GUARD, "sh", str(self.folder)], stdin=subprocess.PIPE, cwd=self.folder, start_new_session=True
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Kill the server and remove its folder: nothing that it would still write is wanted."""
        if self._process:
            self.kill()
        assert self._guard.stdin
        self._guard.stdin.close()
        self._guard.wait(REMOVE_S)

    def start(self) -> None:
        """Start the server and wait until it answers. Raises: RuntimeError with its log."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = self._launch(stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        (self.folder / "pid").write_text(str(self._process.pid))
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"{type(self).__name__} did not start:\n{self.said()}")
            time.sleep(0.02)

    def said(self) -> str:
        """The end of its log."""
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        """Stop the server in order; one that does not listen is killed."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
        self._forget()

    def terminate(self) -> tuple[int, float]:
        """SIGTERM; answers the exit code, and how many seconds it took."""
        assert self._process
        began = time.monotonic()
        self._process.terminate()
        code = self._process.wait(STOP_S)
        self._forget()
        return code, time.monotonic() - began

    @property
    def process(self) -> psutil.Process:
        """The process, for those who want to harm it."""
        assert self._process
        return psutil.Process(self._process.pid)

    def kill(self) -> None:
        """`kill -9` the server and all of its children; they are dead when this returns."""
        assert self._process
        family = [psutil.Process(self._process.pid)]
        family[0].suspend()
        family += family[0].children(recursive=True)
        for member in family:
            member.kill()
        self._process.wait(STOP_S)
        while any(map(_is_alive, family)):
            time.sleep(0.005)
        self._forget()

    def _forget(self) -> None:
        self._process = None
        (self.folder / "pid").unlink(missing_ok=True)

    @abstractmethod
    def _launch(self, **how: Any) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _answers(self) -> bool: ...


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process still does anything: a zombie may linger long, where nobody buries the orphans."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
