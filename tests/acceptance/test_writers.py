"""Several processes write to one PostgreSQL: rooms stay numbered without a gap, and no follower misses an event."""

import asyncio
import json
import sys
from collections import defaultdict
from contextlib import suppress
from typing import Any

import pytest

from tests.acceptance.deployment import ROOT, environment, opened
from tests.acceptance.extent import extent
from tests.acceptance.waiting import until
from tests.acceptance.writing_process import ROOMS, open_rooms
from tests.servers import Postgres

SECONDS = extent("WRITERS_S", 6, long=30)
PROCESSES = 4

type Place = tuple[int, str, int]


class Follower:
    """Follows the log from its beginning and keeps the place of everything that it was given."""

    def __init__(self, database_url: str) -> None:
        self.places: list[Place] = []
        self.task = asyncio.create_task(self._follow(database_url))

    async def _follow(self, database_url: str) -> None:
        async with opened(database_url) as (_, _, _, log):
            async for facts in log.follow(after=0):
                self.places += [(fact.recorded.position, fact.recorded.stream, fact.recorded.seq) for fact in facts]

    async def stop_at(self, position: int) -> list[Place]:
        """What it was given, once it has come so far."""
        await until(lambda: self._has(position), "a follower to reach the end")
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        return self.places

    async def _has(self, position: int) -> bool:
        if self.task.done():
            self.task.result()
        return bool(self.places) and self.places[-1][0] >= position


@pytest.mark.timeout(120 + 3 * SECONDS)
async def test_no_follower_misses_an_event_of_several_writers(postgres: Postgres) -> None:
    url = postgres.create_database()
    await open_rooms(url)
    tailing = Follower(url)
    writers = [asyncio.create_task(run_writer(url, f"writer-{number}")) for number in range(PROCESSES)]
    await until(lambda: reached(tailing, 100), "the writers to have written a hundred events")
    catching_up = Follower(url)
    receipts, conflicts = [], 0
    for lines in await asyncio.gather(*writers):
        *mine, last = lines
        receipts += mine
        conflicts += last["conflicts"]

    stored = stored_places(postgres, url)
    assert conflicts > 0, "nothing conflicted: this run shows nothing"
    assert await tailing.stop_at(stored[-1][0]) == stored
    assert await catching_up.stop_at(stored[-1][0]) == stored
    assert_numbered(stored)
    assert {(line["position"], line["room"], line["seq"]) for line in receipts} <= set(stored)


async def reached(follower: Follower, events: int) -> bool:
    return len(follower.places) >= events


async def run_writer(url: str, name: str) -> list[dict[str, Any]]:
    """What a process reported. Raises: AssertionError with its errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.acceptance.writing_process", url, str(SECONDS), name),
        cwd=ROOT,
        env=environment(url, DJANGO_SETTINGS_MODULE="config.settings"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in output.splitlines()]


def stored_places(postgres: Postgres, url: str) -> list[Place]:
    """Every event, as the table itself has it."""
    statement = "SELECT notification_id, originator_id, originator_version FROM stored_events ORDER BY notification_id"
    return [(position, room, seq) for position, room, seq in postgres.execute(statement, url.rpartition("/")[2])]


def assert_numbered(stored: list[Place]) -> None:
    seqs = defaultdict(list)
    for _, room, seq in stored:
        seqs[room].append(seq)
    assert set(seqs) == set(ROOMS)
    for room, found in seqs.items():
        assert found == list(range(1, len(found) + 1)), room
