"""What takes turns at fan-out: each is one process, on a core of its own if it is wrapped in `on_its_core`."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.request import urlopen

from bench.fanout.generator import Clients, compiled
from bench.shapes import contenders as chats
from bench.shapes.contenders import MANAGE, RIVALS, Contender
from bench.shapes.dialect import LOOPBACK
from bench.shapes.program import Program

C = RIVALS / "c"
CORE = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
_APPENDS = re.compile(rb"^verbatim_append_seconds_(sum|count)\{.*\} (\S+)$", re.MULTILINE)


@contextmanager
def apart() -> Iterator[None]:
    """Leave `CORE` to what `on_its_core` starts: this process, and what else it starts, use the others."""
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        raise SystemExit("Fan-out is measured with the server on a core of its own, and this machine has only one.")
    os.sched_setaffinity(0, cores - {CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def on_its_core(*command: str) -> tuple[str, ...]:
    """A command whose process has `CORE`."""
    return ("taskset", "--cpu-list", str(CORE), *command)


class Verbatim(chats.Verbatim):
    """One web process and the projections, on PostgreSQL and Valkey."""

    name = "Verbatim"

    def programs(self) -> Mapping[str, Program]:
        """`serve` and `runprojections`."""
        environment = self._environment()
        serve = (*MANAGE, "serve", "--port", "{port}")
        return {
            "web": Program(*self._place(*serve), environment=environment),
            "projections": Program(*MANAGE, "runprojections", port=0, environment=environment),
        }

    def _place(self, *command: str) -> tuple[str, ...]:
        return on_its_core(*command)


class VerbatimAnywhere(Verbatim):
    """The same on whatever core is free."""

    name = "Verbatim, one process"

    def _place(self, *command: str) -> tuple[str, ...]:
        return command


class HubAlone(Contender):
    """Verbatim without posting: `bench.fanout.injected`."""

    name = "Verbatim, hub alone"
    dialect = "injected"

    def prepare(self, messages: int) -> None:
        """Nothing: it makes its store anew each time."""

    def programs(self) -> Mapping[str, Program]:
        """The one process."""
        environment = {"DJANGO_SETTINGS_MODULE": "config.settings", "LIMITS": "off"}
        command = on_its_core(sys.executable, "-m", "bench.fanout.injected")
        return {"web": Program(*command, environment=environment)}

    def _shared(self) -> dict[str, int]:
        return {}


class Node(chats.Node):
    """The same server, but that it makes a message's frame once and not for each socket."""

    name = "Node, ws and pg, frame made once"

    def programs(self) -> Mapping[str, Program]:
        """The server."""
        environment = {"DATABASE_URL": self._url, "FRAMES": "once"}
        return {"web": Program(*self._place("node", str(self.folder / "server.js")), environment=environment)}

    def _place(self, *command: str) -> tuple[str, ...]:
        return on_its_core(*command)


class NodeAnywhere(Node):
    """The same on whatever core is free."""

    def _place(self, *command: str) -> tuple[str, ...]:
        return command


class COneByOne(HubAlone):
    """`bench/rivals/c`: nothing but sending, a `send` for each message and socket."""

    name = "C, one by one"
    dialect = "rival"
    how = "one-by-one"

    def programs(self) -> Mapping[str, Program]:
        """The broadcaster."""
        return {"web": Program(*on_its_core(str(compiled("fan", C / "fan.c")), "{port}", self.how), environment={})}


class CTogether(COneByOne):
    """The same with one `send` for all the messages that came together."""

    name = "C, together"
    how = "together"


class Stock(chats.Stock):
    """Channels after its tutorial, on one worker of uvicorn, which is too busy to hear pongs within its 20 s."""

    name = "Channels, stock, uvicorn"

    def programs(self) -> Mapping[str, Program]:
        """One worker of uvicorn."""
        uvicorn = str(self.folder / "bin" / "uvicorn")
        quiet = ("--no-access-log", "--log-level", "warning", "--ws-ping-timeout", "120")
        where = ("--host", LOOPBACK, "--port", "{port}", "--backlog", "4096")
        command = on_its_core(uvicorn, *where, *quiet, "bench.rivals.stock.asgi:application")
        return {"web": Program(*command, environment=self._environment())}


_RIVAL = Clients("/ws/chat/{room}/", '{"handle":"u0000","message":"{text}"}')
_VERBATIM = Clients(
    "/chat/{room}/",
    '{"type":"post","room":"{room}","id":{number},"handle":"u0000","message":"{text}"}',
    protocol="verbatim.v1",
    ready='"type":"caught_up"',
)
CLIENTS = {
    "verbatim.v1": _VERBATIM,
    "injected": _VERBATIM._replace(post="{text}", publish_path="/inject/"),
    "rival": _RIVAL,
}


def commits(port: int) -> tuple[float, float]:
    """How long Verbatim's commits took altogether, in seconds, and how many they were."""
    with urlopen(f"http://{LOOPBACK}:{port}/metrics") as answer:
        found = dict(_APPENDS.findall(answer.read()))
    return float(found[b"sum"]), float(found[b"count"])
