"""Verbatim as an operator runs it: a web process, and on PostgreSQL a process that projects."""

import base64
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

from commands.events import MessagePosted
from commands.keyring import Keyring
from commands.postgres import PostgresStore
from commands.postgres_vault import PostgresVault
from commands.sealing import Fact, Mapper
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.store import Store
from commands.subscription import Log
from config.parts import Parts
from tests.acceptance.promises import Logged
from tests.server_process import Server
from tests.servers import LOOPBACK, Postgres, free_port

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "a secret of the acceptance tests"
MASTER_KEY = bytes(range(32))


def environment(database_url: str, **more: str) -> dict[str, str]:
    """The variables of every process of a deployment."""
    return {
        **os.environ,
        "DATABASE_URL": database_url,
        "SECRET_KEY": SECRET_KEY,
        "MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "LIMITS": "off",
        **more,
    }


def manage(*arguments: str, database_url: str) -> None:
    """Run a command of manage.py to its end. Raises: CalledProcessError."""
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=environment(database_url), check=True, timeout=120)


def migrate(database_url: str) -> None:
    """Make the tables of a database."""
    manage("migrate", "--verbosity", "0", "--skip-checks", database_url=database_url)


@cache
def migrated_file() -> bytes:
    """A SQLite database that has its tables, made once for all."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "verbatim.sqlite3"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


@cache
def _template(postgres: Postgres) -> str:
    url = postgres.create_database()
    migrate(url)
    return url.rpartition("/")[2]


def migrated_database(postgres: Postgres) -> str:
    """A fresh PostgreSQL database that has its tables: a copy of one that was migrated. Answers its url."""
    return postgres.create_database(like=_template(postgres))


WORKER_RUNS = b"Verbatim's worker runs"


class Process(Server):
    """A long-running command of manage.py, on a database that has its tables: by itself on a new SQLite file."""

    def __init__(self, database_url: str | None = None, **more: str) -> None:
        super().__init__()
        file = self.folder / "verbatim.sqlite3"
        if not database_url:
            file.write_bytes(migrated_file())
        self.database_url = database_url or f"sqlite:///{file}"
        self._more = more

    def _run(self, *arguments: str, **how: Any) -> subprocess.Popen[bytes]:
        variables = environment(self.database_url, **self._more)
        return subprocess.Popen([sys.executable, "manage.py", *arguments], cwd=ROOT, env=variables, **how)


class Web(Process):
    """`manage.py serve`."""

    def __init__(self, database_url: str | None = None, **more: str) -> None:
        super().__init__(database_url, **more)
        self.port = free_port()

    def get(self, path: str) -> bytes:
        """The body of an answer. Raises: OSError for anything but 200."""
        with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}{path}", timeout=5) as answer:
            body: bytes = answer.read()
        return body

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        return self._run("serve", "--port", str(self.port), **how)

    def _answers(self) -> bool:
        try:
            self.get("/health/live")
        except OSError:
            return False
        return True


class Projector(Process):
    """`manage.py runprojections`, which is there once it says so: from then on it can be told to leave."""

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        self._said_before = self._says
        return self._run("runprojections", **how)

    def _answers(self) -> bool:
        return self._says > self._said_before

    @property
    def _says(self) -> int:
        return (self.folder / "log").read_bytes().count(WORKER_RUNS)


def parts(database_url: str) -> Parts:
    """The event store of a deployment, seen past all of its processes."""
    store: Store
    vault: SQLiteVault | PostgresVault
    if database_url.startswith("sqlite:"):
        path = Path(database_url.removeprefix("sqlite:///"))
        store, vault = SQLiteStore(path.with_suffix(".events.sqlite3")), SQLiteVault(path.with_suffix(".keys.sqlite3"))
    else:
        store = PostgresStore(database_url)
        vault = PostgresVault(store)
    mapper = Mapper(Keyring(vault, MASTER_KEY))
    return Parts(store, vault, mapper, Log(store, mapper))


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Parts]:
    """The same, open while it is used."""
    those = parts(database_url)
    await those.open()
    try:
        yield those
    finally:
        await those.close()


async def read_log(database_url: str) -> list[Logged]:
    """Every event that the store has, by position."""
    found: list[Logged] = []
    async with opened(database_url) as those:
        while facts := await those.log.read_all(after=found[-1].position if found else 0, limit=5000):
            found += map(logged, facts)
    return found


def logged(fact: Fact) -> Logged:
    """One event, as a history knows it. Raises: AssertionError for one that cannot be read."""
    row, event = fact.recorded, fact.event
    assert event is not None, f"event {row.position} is {fact.stub}"
    if isinstance(event, MessagePosted):
        said = (event.message_id, event.client_msg_id, event.message)
        return Logged(row.position, row.stream, row.seq, event.actor, *said)
    return Logged(row.position, row.stream, row.seq, event.actor)
