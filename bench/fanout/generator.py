"""The load generator in C: what it is asked to do, and what it tells.

It opens its sockets once and then takes phases. It holds servers to it that every subscriber gets every message once,
all in one order (bench/load/ledger.c).
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from bench.shapes.meter import Figures, Meter
from bench.shapes.program import ROOT

LOAD = ROOT / "bench" / "load"
BUILT = ROOT / "var" / "bench"
PARTS = ("load.c", "ledger.c", "sockets.c")
FAULTS = {
    "missing": "deliveries missing",
    "misplaced": "deliveries doubled or out of order",
    "gone": "sockets closed by the server",
    "refused": "messages refused",
    "failed": "turn that failed",
}
PATIENCE_S = 5.0
"""When nothing has come for so long, what is missing is lost."""
SHORTEST_S = 1e-6
FAILED: Figures = {"failed": 1.0}
"""The figures of a turn that came to nothing."""


class Clients(NamedTuple):
    """How clients listen at an address, and what they send to post; `{room}` stands for a room.

    In `post`, `{text}` is the message and `{number}` its number. With a number, a frame `posted` that repeats it as
    `id` acknowledges it; without, the sender's own copy does. `ready` is what a server says to a subscriber when it
    will hear everything from then on.
    """

    path: str
    post: str
    protocol: str = ""
    ready: str = ""
    publish_path: str = ""

    def words(self, room: str) -> list[str]:
        """The generator's options."""
        named = {
            "path": self.path,
            "post": self.post,
            "protocol": self.protocol,
            "ready": self.ready,
            "publish-path": self.publish_path,
        }
        return [word.replace("{room}", room) for name, value in named.items() if value for word in (f"--{name}", value)]


class Generator:
    """The generator while it runs: so many subscribers of one room.

    `parts` are the roots of the servers' process trees, by name.
    """

    def __init__(
        self,
        port: int,
        clients: Clients,
        parts: Mapping[str, int],
        *,
        subscribers: int,
        room: str = "fan",
        patience_s: float = PATIENCE_S,
    ) -> None:
        where = ["--port", str(port), "--subscribers", str(subscribers), "--patience", str(patience_s)]
        self._command = [str(compiled("load", *(LOAD / part for part in PARTS))), *where, *clients.words(room)]
        self._parts = parts

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self._expect("ready")
        except RuntimeError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def closed(self, in_flight: int, warm_up_s: float, seconds: float) -> Figures:
        """Publish whenever fewer than so many messages are not yet with everybody."""
        return self._take("closed", in_flight, warm_up_s, seconds)

    def rate(self, per_s: float, warm_up_s: float, seconds: float) -> Figures:
        """Publish on time, whatever comes back. `hopeless` is 1 if that was given up."""
        return self._take("rate", per_s, warm_up_s, seconds)

    def _take(self, phase: str, pace: float, warm_up_s: float, seconds: float) -> Figures:
        """One phase: the generator's figures with CPU µs a delivery, by part; raises RuntimeError if it died."""
        assert self._process.stdin
        self._process.stdin.write(f"{phase} {pace} {warm_up_s} {seconds}\n")
        self._process.stdin.flush()
        self._expect("begin")
        meter = Meter({**self._parts, "generator": self._process.pid})
        deliveries = int(self._expect("end").split()[1])
        used = meter.read(deliveries)
        told: Figures = json.loads(self._expect("{"))
        return {**used, **told, **_derived(used, told)}

    def _expect(self, word: str) -> str:
        """The generator's next line. Raises: RuntimeError if it is none that begins with that word."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line.startswith(word):
            raise RuntimeError(f"The load generator gave up, or said what nobody expected: {line!r}")
        return line


def _derived(used: Figures, told: Figures) -> Figures:
    """Deliveries a second of wall and of the web process's CPU; its cores; copies that came to a socket in one read."""
    return {
        "rate": told["deliveries"] / max(told["took_s"], SHORTEST_S),
        "per_cpu_s": 1e6 / used["web"] if used["web"] else float("nan"),
        "web cores": used["web"] * told["deliveries"] / 1e6 / used["wall_s"],
        "per_read": told["deliveries"] / max(told["reads"], 1),
    }


def faults(figures: Figures) -> list[str]:
    """What a server did wrong in a phase, in words; nothing if every subscriber got everything once, in one order."""
    return [f"{figures[key]:,.0f} {what}" for key, what in FAULTS.items() if figures.get(key)]


def missing() -> str | None:
    """What this machine lacks for the generator, in words."""
    if not hasattr(os, "sched_setaffinity"):
        return "it needs Linux (epoll, taskset)"
    if not shutil.which("cc"):
        return "it needs a C compiler as `cc`: on Debian, `apt-get install gcc libc6-dev`"
    return None


def compiled(name: str, *sources: Path) -> Path:
    """A program of C sources in var/bench, compiled if they are newer. Raises: CalledProcessError."""
    program = BUILT / name
    newest = max(path.stat().st_mtime for folder in {path.parent for path in sources} for path in folder.glob("*.[ch]"))
    if not program.exists() or program.stat().st_mtime < newest:
        BUILT.mkdir(parents=True, exist_ok=True)
        _compile(program, sources)
    return program


def _compile(program: Path, sources: Sequence[Path]) -> None:
    """Into a file of its own first, for those who use the program meanwhile."""
    fresh = program.with_suffix(f".{os.getpid()}")
    subprocess.run(["cc", "-O2", "-Wall", "-o", str(fresh), *map(str, sources)], check=True)
    fresh.replace(program)
