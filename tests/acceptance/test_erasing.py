"""Somebody is erased on real deployments: nothing that they said is found anywhere, and the proof still holds."""

import asyncio
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple, Self

import httpx
import psycopg
import pytest

from tests.acceptance.deployment import ROOT, Projector, Web, environment, migrated_database
from tests.realtime.client import Client
from tests.servers import LOOPBACK, Postgres, Valkey
from tests.valkey_cluster import ask

WORDS = ("zephyr", "sphinx", "quartz", "mallow")
"""What mallory says, says instead, gives as a reason, and is called."""
LINES = 120
FORGOTTEN_S = 10.0


class Told(NamedTuple):
    """What a command printed, and its exit code."""

    code: int
    said: str


def run(web: Web, *arguments: str) -> Told:
    command = [sys.executable, "manage.py", *arguments]
    variables = environment(web.database_url)
    done = subprocess.run(command, cwd=ROOT, env=variables, check=False, capture_output=True, timeout=120)
    return Told(done.returncode, (done.stdout + done.stderr).decode())


class Talk:
    """mallory and ada talk in a room, over REST."""

    def __init__(self, web: Web) -> None:
        self.http = httpx.Client(base_url=f"http://{LOOPBACK}:{web.port}/api/v1", timeout=20)
        self.ada, self.ada_headers = self._become("ada")
        self.mallory, self.headers = self._become("mallow")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def _become(self, handle: str) -> tuple[str, dict[str, str]]:
        guest = self.http.post("/guests", json={"handle": handle}).json()
        return guest["person"], {"Authorization": f"Bearer {guest['token']}"}

    def asks(self, method: str, path: str, headers: dict[str, str], **body: Any) -> dict[str, Any]:
        answer = self.http.request(method, path, headers=headers, json=body or None)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def talk(self, lines: int = LINES) -> None:
        """By turns, and some lines are changed, so that the database has pages that were split and rewritten."""
        messages = "/rooms/general/messages"
        for n in range(lines):
            self.asks("POST", messages, self.ada_headers, message=f"ada says {n} " + "." * (n % 50))
            posted = self.asks("POST", messages, self.headers, message=f"zephyr {n} " + "zephyr " * (n * 7 % 90))
            path = f"{messages}/{posted['message_id']}"
            if n % 5 == 0:
                self.asks("PATCH", path, self.headers, message=f"sphinx {n}")
            if n % 11 == 0:
                self.http.delete(path, headers=self.headers, params={"reason": "quartz"}).raise_for_status()
        self.position = posted["position"]
        self.http.get(messages, params={"min_position": posted["position"]}).raise_for_status()

    def pages(self, token: str = "") -> list[str]:
        """What everybody, or an auditor, is shown of the room."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        queries = ("?limit=200", "?limit=200&as_of=5", "?limit=200&before=100")
        paths = [f"messages{query}" for query in queries]
        paths += ["events?limit=1000", *(f"export?format={form}" for form in ("ndjson", "csv", "html"))]
        answers = [self.http.get(f"/rooms/general/{path}", headers=headers) for path in paths]
        return [answer.raise_for_status().text for answer in answers]

    def shown(self, token: str = "") -> set[str]:
        return {word for word in WORDS for page in self.pages(token) if word in page}


def in_files(folder: Path) -> set[str]:
    """Which of the words are in any byte of any file."""
    return {
        word for word in WORDS for path in folder.rglob("*") if path.is_file() and word.encode() in path.read_bytes()
    }


@pytest.fixture
def web() -> Iterator[Web]:
    """A server on SQLite."""
    with Web(TREE_HEAD_EVERY_S="0.2") as web:
        yield web


@pytest.mark.timeout(180)
async def test_on_sqlite_nothing_is_left_in_any_file_while_the_server_runs(web: Web) -> None:
    with await asyncio.to_thread(Talk, web) as talk:
        await asyncio.to_thread(talk.talk)
        await is_forgotten_on_sqlite(web, talk)


async def is_forgotten_on_sqlite(web: Web, talk: Talk) -> None:
    token = run(web, "createtoken", "auditor").said.split()[0]
    assert in_files(web.folder) >= {"zephyr", "sphinx", "mallow"}
    async with Client.connect(web.port, "/chat/") as ada:
        await ada.receive("welcome")
        await ada.subscribe("general")
        await ada.receive("caught_up")
        erased = await asyncio.to_thread(run, web, "erase", talk.mallory, "--reason", "asked for it")
        assert erased.code == 0, erased.said
        assert "is erased" in erased.said
        assert (await ada.receive("erased"))["person"] == talk.mallory
    assert in_files(web.folder) == set()
    for auditor in ("", token):
        assert await asyncio.to_thread(talk.shown, auditor) == set()
    assert run(web, "verify").code == 0
    file = web.folder / "general.ndjson"
    assert run(web, "export", "general", "--output", str(file)).code == 0
    assert not [word for word in WORDS if word in file.read_text()]
    key = json.loads(web.get("/api/v1/log/head"))["public_key"]
    assert run(web, "verify", str(file), "--public-key", key).code == 0
    again = run(web, "erase", talk.mallory)
    assert (again.code, "was erased already" in again.said) == (0, True)


@pytest.mark.timeout(180)
def test_without_a_server_the_command_does_all_of_it_however_often_it_is_killed(web: Web) -> None:
    with Talk(web) as talk:
        talk.talk(40)
    web.stop()
    assert in_files(web.folder) >= {"zephyr", "sphinx", "mallow"}
    chance = random.Random(7)
    for _ in range(4):
        command = [sys.executable, "manage.py", "erase", talk.mallory]
        process = subprocess.Popen(command, cwd=ROOT, env=environment(web.database_url), stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.6, 1.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
    erased = run(web, "erase", talk.mallory)
    assert erased.code == 0, erased.said
    assert in_files(web.folder) == set()
    assert run(web, "verify").code == 0
    assert len([line for line in run(web, "export", "--all").said.splitlines() if '"person.erased"' in line]) == 1


@pytest.mark.timeout(120)
def test_what_is_held_is_not_erased(web: Web) -> None:
    with Talk(web) as talk:
        talk.talk(3)
        is_held(web, talk)


def is_held(web: Web, talk: Talk) -> None:
    assert run(web, "hold").said == "Nothing is held.\n"
    for held in ((talk.mallory,), ("--room", "general")):
        assert run(web, "hold", *held, "--reason", "Case 12-345").code == 0
        assert "Case 12-345" in run(web, "hold").said
        refused = run(web, "erase", talk.mallory)
        assert (refused.code, "legal hold" in refused.said) == (1, True)
        assert run(web, "hold", *held, "--release").code == 0
    assert talk.shown() >= {"zephyr", "mallow"}
    assert run(web, "erase", "guest:nobody").code == 1
    assert run(web, "erase", talk.mallory).code == 0


@pytest.mark.timeout(180)
async def test_on_postgresql_two_processes_forget_with_redis_and_without(postgres: Postgres, valkey: Valkey) -> None:
    ask(valkey, "FLUSHALL")
    url = migrated_database(postgres)
    with ExitStack() as stack:
        one, two = await asyncio.to_thread(start, stack, url, valkey.url)
        talks = [stack.enter_context(await asyncio.to_thread(Talk, web)) for web in (one, two)]
        talks[1].mallory, talks[1].headers = talks[0].mallory, talks[0].headers
        for talk in talks:
            await asyncio.to_thread(talk.talk, 20)
        token = run(one, "createtoken", "auditor").said.split()[0]
        assert in_tables(url) >= {"zephyr", "sphinx", "mallow"}
        async with Client.connect(two.port, "/chat/", token=talks[0].headers["Authorization"][7:]) as mallory:
            await mallory.receive("welcome")
            await mallory.subscribe("general")
            await mallory.receive("caught_up")
            erased = talks[0].http.delete(f"/people/{talks[0].mallory}", headers={"Authorization": f"Bearer {token}"})
            assert erased.status_code == 200, erased.text
            assert talks[0].shown(token) == set()
            assert (await mallory.closed())[0] == 4503
        deadline = time.monotonic() + FORGOTTEN_S
        while left := talks[1].shown(token) | in_tables(url) | in_redis(valkey):
            assert time.monotonic() < deadline, left
            await asyncio.sleep(0.1)
        assert run(one, "verify").code == 0


def start(stack: ExitStack, url: str, redis_url: str) -> tuple[Web, Web]:
    """Two web processes, one of which loses its hints, and one that projects."""
    one, two = Web(url, REDIS_URL=redis_url, BUS_FAULT="drop"), Web(url, REDIS_URL=redis_url)
    for each in (one, two, Projector(url)):
        stack.callback(each.remove)
        each.start()
    return one, two


def in_tables(url: str) -> set[str]:
    """Which of the words are in any row of any table of the database."""
    tables = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    with psycopg.connect(url, autocommit=True) as connection:
        rows = [
            repr(row).encode()
            for schema, name in connection.execute(tables).fetchall()
            for row in connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
        ]
    return {word for word in WORDS if any(word.encode() in row for row in rows)}


def in_redis(valkey: Valkey) -> set[str]:
    keys = ask(valkey, "KEYS", "*")
    kept = repr([(key, ask(valkey, "DUMP", key)) for key in keys])
    return {word for word in WORDS if word in kept}
