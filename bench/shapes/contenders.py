"""What takes turns: how each chat is installed, given a database with a long history, and started."""

import base64
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from bench.shapes.dialect import HISTORY, SIZE
from bench.shapes.program import ROOT, Program, Target, pid
from tests.servers import Postgres, Valkey

RIVALS = ROOT / "bench" / "rivals"
INSTALLED = ROOT / "var" / "bench"
MANAGE = (sys.executable, "manage.py")
WORKERS = "2"
_MESSAGE = "rpad('bench:' || lpad(i::text, 16, '0') || ':' || lpad((i % 500)::text, 4, '0') || ':', {size}, 'x')"
_FILL = """
WITH made AS (INSERT INTO {room} (label) VALUES ('{label}') RETURNING id)
INSERT INTO {message} (room_id, handle, message, timestamp)
SELECT made.id, 'u' || i % 500, {text}, now() FROM made, generate_series(1, {count}) i
"""


class Contender(ABC):
    """One chat. `install`, then `prepare`, then `running` as often as you like, on the same database."""

    name: str
    dialect = "rival"

    def __init__(self, postgres: Postgres, valkey: Valkey) -> None:
        self._postgres = postgres
        self._valkey = valkey
        self._url = postgres.create_database()
        self._database = self._url.rpartition("/")[2]

    @classmethod
    def install(cls) -> str | None:
        """Get what it needs, or answer what is missing on this machine."""
        return None

    @abstractmethod
    def prepare(self, messages: int) -> None:
        """Make the tables, and a room with a history of so many messages, if any."""

    @abstractmethod
    def programs(self) -> Mapping[str, Program]:
        """What runs, by part; the one that listens first."""

    @contextmanager
    def running(self) -> Iterator[Target]:
        """Start it, with nothing of another contender's left to write; stop it afterwards."""
        self._postgres.execute("CHECKPOINT")
        programs = self.programs()
        with ExitStack() as stack:
            for program in programs.values():
                stack.enter_context(program)
                stack.callback(program.stop)
            for program in programs.values():
                program.settle()
            parts = {part: pid(program) for part, program in programs.items()}
            yield Target(self.dialect, next(iter(programs.values())).port, {**parts, **self._shared()})

    def _shared(self) -> dict[str, int]:
        return {"database": pid(self._postgres), "Redis": pid(self._valkey)}

    def _fill_tables(self, room: str, message: str, count: int) -> None:
        text = _MESSAGE.format(size=SIZE)
        filling = _FILL.format(room=room, message=message, label=HISTORY, text=text, count=count)
        self._postgres.execute(filling, self._database)
        self._postgres.execute("VACUUM ANALYZE", self._database)


class Verbatim(Contender):
    """Two web processes and the projections, on PostgreSQL and Valkey."""

    name = "Verbatim"
    dialect = "verbatim.v1"

    def prepare(self, messages: int) -> None:
        """Migrate; post the history over a socket."""
        environment = {**os.environ, **self._environment()}
        subprocess.run([*MANAGE, "migrate", "--verbosity", "0", "--skip-checks"], cwd=ROOT, env=environment, check=True)
        if messages:
            with self.running() as target:
                target.load("fill", 0, messages)
            self._postgres.execute("VACUUM ANALYZE", self._database)

    def programs(self) -> Mapping[str, Program]:
        """`serve` and `runprojections`."""
        environment = self._environment()
        return {
            "web": Program(*MANAGE, "serve", "--port", "{port}", "--workers", WORKERS, environment=environment),
            "projections": Program(*MANAGE, "runprojections", port=0, environment=environment),
        }

    def _environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self._url, "REDIS_URL": self._valkey.url, **_SETTINGS}


class VerbatimBare(Verbatim):
    """The same without the tree, and without what is kept for auditors of where commands come from."""

    name = "Verbatim, no proof"

    def _environment(self) -> dict[str, str]:
        return {**super()._environment(), "DJANGO_SETTINGS_MODULE": "bench.bare"}


class VerbatimOnSQLite(Verbatim):
    """One process with everything in it, as `make run` starts it."""

    name = "Verbatim, one process, SQLite"

    def programs(self) -> Mapping[str, Program]:
        """`serve`."""
        return {"web": Program(*MANAGE, "serve", "--port", "{port}", environment=self._environment())}

    def _shared(self) -> dict[str, int]:
        return {}

    def _environment(self) -> dict[str, str]:
        folder = self._postgres.folder / self._database
        folder.mkdir(exist_ok=True)
        return {"DATABASE_URL": f"sqlite:///{folder}/verbatim.sqlite3", "REDIS_URL": "", **_SETTINGS}


class Node(Contender):
    """`bench/rivals/node`: ws, http and pg, one process."""

    name = "Node, ws and pg"
    folder = INSTALLED / "node"

    @classmethod
    def install(cls) -> str | None:
        """`npm ci`, once."""
        if not (shutil.which("node") and shutil.which("npm")):
            return "it needs node and npm, which are not installed"
        shutil.copytree(RIVALS / "node", cls.folder, dirs_exist_ok=True)
        if not (cls.folder / "node_modules" / ".package-lock.json").exists():
            subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=cls.folder, check=True)
        return None

    def prepare(self, messages: int) -> None:
        """The server makes its tables; the history is copied in."""
        with self.running():
            pass
        if messages:
            self._fill_tables("room", "message", messages)

    def programs(self) -> Mapping[str, Program]:
        """The server."""
        return {"web": Program("node", str(self.folder / "server.js"), environment={"DATABASE_URL": self._url})}

    def _shared(self) -> dict[str, int]:
        return {"database": pid(self._postgres)}


class Stock(Contender):
    """`bench/rivals/stock`: Channels after its tutorial, on two workers of uvicorn, with packages of its own."""

    name = "Channels, stock, uvicorn × 2"
    folder = INSTALLED / "stock"

    @classmethod
    def install(cls) -> str | None:
        """A virtual environment, once for each form of its requirements."""
        requirements = RIVALS / "stock" / "requirements.txt"
        installed = cls.folder / "requirements.txt"
        if installed.exists() and installed.read_text() == requirements.read_text():
            return None
        uv = str(ROOT / ".tools" / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(cls.folder)], check=True)
        packages = ["--python", str(cls.folder / "bin" / "python"), "--requirement", str(requirements)]
        subprocess.run([uv, "pip", "install", "--quiet", *packages], check=True)
        shutil.copy(requirements, installed)
        return None

    def prepare(self, messages: int) -> None:
        """Make the tables; the history is copied in."""
        command = [str(self.folder / "bin" / "python"), "-m", "django", "migrate", "--run-syncdb", "--verbosity", "0"]
        environment = {**os.environ, **self._environment(), "DJANGO_SETTINGS_MODULE": "bench.rivals.stock.settings"}
        subprocess.run(command, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)}, check=True)
        if messages:
            self._fill_tables("stock_room", "stock_message", messages)

    def programs(self) -> Mapping[str, Program]:
        """Two workers of uvicorn."""
        uvicorn = str(self.folder / "bin" / "uvicorn")
        quiet = ("--no-access-log", "--log-level", "warning")
        where = ("--host", "127.0.0.1", "--port", "{port}", "--backlog", "4096", "--workers", WORKERS)
        command = (uvicorn, *where, *quiet, "bench.rivals.stock.asgi:application")
        return {"web": Program(*command, environment=self._environment())}

    def _environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self._url, "REDIS_URL": self._valkey.url}


_SETTINGS = {
    "LIMITS": "off",
    "SECRET_KEY": "a secret of the benchmarks",
    "MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
}
