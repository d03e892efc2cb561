"""What is particular to the event store on SQLite: its WAL, a full disk, and other processes at the same file."""

import asyncio
import resource
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from commands import sqlite_checkpoint
from commands.sqlite import SQLiteStore
from commands.store import Entry, NewEvent, OutcomeUnknown, StoreUnavailable
from tests.commands.entries import change, check_whole, everything, message, seqs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite3"


@pytest.fixture
async def sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SQLiteStore]:
    """A store whose WAL is checkpointed often."""
    monkeypatch.setattr(sqlite_checkpoint, "EVERY_S", 0.02)
    store = SQLiteStore(path)
    await store.open()
    yield store
    await store.close()


@contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """No file can grow beyond a size."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def size_of(path: Path) -> int:
    return path.stat().st_size


def wal_of(path: Path) -> int:
    return size_of(path.with_name(f"{path.name}-wal"))


async def test_the_wal_stays_short_under_a_steady_load(
    sqlite: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_checkpoint, "MAX_WAL_PAGES", 250)
    loop, longest = asyncio.get_running_loop(), 0
    end = loop.time() + 2

    async def append() -> None:
        nonlocal longest
        while loop.time() < end:
            await sqlite.append([message(room=f"room{i}") for i in range(32)])
            longest = max(longest, wal_of(path))

    await asyncio.gather(*(append() for _ in range(3)))
    assert longest < 16_000_000
    check_whole(await everything(sqlite))


async def test_a_checkpoint_that_fails_is_tried_again(
    sqlite: SQLiteStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await sqlite.append([message() for _ in range(500)])
    with closing(sqlite3.connect(path)) as other:
        await until(lambda: other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
    before = size_of(path)
    with disk_full_at(before):
        await sqlite.append([Entry("general", [], [NewEvent("note", f"note:{i}", bytes(500)) for i in range(15)])])
        await until(lambda: "checkpointing the store's WAL failed" in caplog.text)
    await until(lambda: size_of(path) > before)


async def test_what_does_not_fit_on_the_disk_is_recorded_when_there_is_room_again(
    sqlite: SQLiteStore, path: Path
) -> None:
    await sqlite.append([message()])
    large = [message() for _ in range(5)]
    with disk_full_at(wal_of(path)), pytest.raises((StoreUnavailable, OutcomeUnknown)):
        await sqlite.append(large)
    assert seqs(await sqlite.append(large, resolve=True)) == [2, 3, 4, 5, 6]
    check_whole(await everything(sqlite))


async def test_a_new_file_that_another_process_is_writing_is_waited_for(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    store = SQLiteStore(path)
    opening = asyncio.create_task(store.open())
    await asyncio.sleep(0.05)
    assert not opening.done()
    other.execute("COMMIT")
    other.close()
    await opening
    await store.close()


async def test_the_ends_of_a_subject_cost_the_same_however_much_lies_between(sqlite: SQLiteStore) -> None:
    steps: list[int] = []

    async def cost() -> int:
        """How many steps SQLite takes to read both ends, on whichever thread."""
        steps.clear()
        assert len(await sqlite.read_subjects("general", [], ends_of=["message:a"])) == 2
        return len(steps)

    await sqlite.append([message("a"), message("b")])
    await sqlite.append([change("message:a", 1)])
    await asyncio.gather(*(sqlite.head("general") for _ in range(50)))
    for connection in sqlite._connections:
        connection.set_progress_handler(lambda: steps.append(1), 1)
    before = await cost()
    for seq in range(3, 203):
        await sqlite.append([change("message:a", seq)])
    assert await cost() < before + 10
