"""What cannot work is refused at the start: what is wrong, what to do, and no traceback."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import CommandError
from pytest_django import Settings

from config.listening import listen
from config.management.commands import runprojections
from config.starting import check_settings
from tests.acceptance.deployment import ROOT, Web, environment
from tests.servers import LOOPBACK, Postgres, free_port

PATIENCE_S = 60.0
AWAY = "postgres://postgres@127.0.0.1:1/verbatim"


class Case(NamedTuple):
    """A command line that must be refused with these words."""

    words: str
    arguments: str
    database_url: str


class Answer(NamedTuple):
    """What was expected, and what a command said at its end."""

    words: str
    code: int
    said: str


CASES: Mapping[str, Callable[[Web, str, Path], Case]] = {
    "a second process on the same SQLite files": lambda web, url, folder: Case(
        "Another process serves", f"serve --port {free_port()}", web.database_url
    ),
    "tables that are not there": lambda web, url, folder: Case(
        "run `manage.py migrate`", "serve", f"sqlite:///{folder}/new.sqlite3"
    ),
    "a database that is away": lambda web, url, folder: Case("cannot be reached", "serve --wait 0.5", AWAY),
    "a worker whose database is away": lambda web, url, folder: Case(
        "cannot be reached", "runprojections --wait 0.5", AWAY
    ),
    "a database that forgets": lambda web, url, folder: Case("synchronous_commit", "serve", url),
    "a DATABASE_URL that is none": lambda web, url, folder: Case("DATABASE_URL must begin", "serve", "localhost"),
}


@pytest.fixture(scope="module")
def answers(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Answer]]:
    """What every command says, all of them started at once."""
    url = postgres.create_database()
    postgres.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    folder = tmp_path_factory.mktemp("refusals")
    with Web() as web, ExitStack() as stack:
        cases = {name: make(web, url, folder) for name, make in CASES.items()}
        started = {name: stack.enter_context(start(case)) for name, case in cases.items()}
        said = {name: process.communicate(timeout=PATIENCE_S)[0] for name, process in started.items()}
        yield {name: Answer(case.words, started[name].returncode, said[name]) for name, case in cases.items()}


def start(case: Case) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", *case.arguments.split()],
        cwd=ROOT,
        env=environment(case.database_url),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.timeout(120)
def test_what_cannot_work_is_refused(answers: Mapping[str, Answer], name: str) -> None:
    words, code, said = answers[name]
    assert code == 1, said
    assert words in said
    assert "Traceback" not in said


def test_a_killed_process_leaves_nothing_locked() -> None:
    with Web() as web:
        web.kill()
        web.start()


@pytest.mark.parametrize(
    ("workers", "said", "words"),
    [
        (2, {"REDIS_URL": "redis://127.0.0.1"}, "need PostgreSQL"),
        (2, {"ON_SQLITE": False}, "set REDIS_URL="),
        (1, {"REDIS_URL": "localhost"}, "must begin with redis://"),
        (1, {"BUS_FAULT": "explode"}, "drop, double, shuffle"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    settings: Settings, workers: int, said: Mapping[str, object], words: str
) -> None:
    for name, value in said.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=words):
        check_settings(workers=workers)


def test_a_worker_on_sqlite_is_refused() -> None:
    with pytest.raises(CommandError, match="needs PostgreSQL"):
        runprojections.Command().handle()


@pytest.mark.parametrize("places", [1, 2])
def test_a_port_in_use_is_refused(places: int) -> None:
    for taken in listen(LOOPBACK, 0, places=places):
        port = taken[0].getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} of {LOOPBACK} is in use"):
            listen(LOOPBACK, port, places=places)
        for each in taken:
            each.close()


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="Choose another --host"):
        listen("nowhere.invalid", 0)


def test_all_addresses_of_a_host_have_one_port() -> None:
    [listening] = listen("localhost", 0)
    assert len({each.getsockname()[1] for each in listening}) == 1
    assert {each.family for each in listening} <= {socket.AF_INET, socket.AF_INET6}
    for each in listening:
        each.close()
