"""`manage.py rebuild` and `manage.py parked`, as an operator calls them."""

import asyncio
import gc
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from commands.postgres import PostgresStore
from commands.sqlite import SQLiteStore
from commands.store import StoreUnavailable
from config import garbage, progress
from config.checkups import projections as checkups
from config.management.commands import rebuild
from config.progress import Bar, line
from projections import rebuilding
from projections.rebuilding import Progress
from tests.cast import ADA, GARDEN, GENERAL
from tests.projections.deployment import Deployment, execute, on_django, said, tables
from tests.projections.test_rebuilding import alone, count_twice, talk
from tests.projections.test_rebuilding import rebuild as rebuild_all


@pytest.fixture
async def chatted(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr(rebuild, "give_way", lambda: None)
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(garbage, "AT", gc.get_threshold()[0])
    await talk(deployment)
    await deployment.project()
    return deployment


async def manage(*words: str) -> str:
    """What a command prints. Raises: CommandError."""
    out = io.StringIO()
    await asyncio.to_thread(call_command, *words, stdout=out, stderr=out)
    return out.getvalue()


async def refused(*words: str) -> str:
    """Why a command is refused, in one line."""
    with pytest.raises(CommandError) as refusal:
        await manage(*words)
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


async def test_all_is_rebuilt_compared_and_put_in_use(chatted: Deployment) -> None:
    kept = tables()
    told = await manage("rebuild", "--all")
    assert told.count(": equal") == 10
    assert told.count("put in use") == 4
    assert "100%  10 of 10 events" in told
    assert tables() == kept


async def test_a_difference_is_shown_and_put_in_use_only_if_it_is_accepted(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tables()
    count_twice(monkeypatch)
    out = io.StringIO()
    with pytest.raises(CommandError, match="directory would not be what is in use"):
        await asyncio.to_thread(call_command, "rebuild", "directory", stdout=out, stderr=out)
    assert "2 rows say something else, 0 are gone, 0 are new" in out.getvalue()
    assert "garden: message_count '1' → '2'" in out.getvalue()
    assert tables() == kept
    assert "put in use" in await manage("rebuild", "directory", "--accept-difference")
    assert tables() != kept
    assert "put in use" in await manage("rebuild", "directory", "--rollback")
    assert tables() == kept


async def test_what_is_kept_can_be_discarded(chatted: Deployment) -> None:
    await manage("rebuild", "--all")
    await manage("rebuild", "--all", "--discard")
    left = execute("SELECT projection FROM checkpoint ORDER BY projection")
    assert left == [("directory",), ("history",), ("people",), ("proof",)]
    assert await refused("rebuild", "--all", "--rollback") == "No earlier version of directory is kept."


async def test_the_doctor_tells_of_what_is_kept_and_takes_it_for_nothing_else(chatted: Deployment) -> None:
    await rebuild_all(chatted, exchange=False)
    assert "a rebuild of it is going on, or was cut off" in dict(examined())["warning"]
    await manage("rebuild", "--all")
    assert [level for level, _ in examined()] == ["ok"] * 6 + ["warning"] * 5, "none is signed, four are kept"
    assert examined()[-1][1].endswith("`rebuild proof --discard`")


def examined() -> list[tuple[str, str]]:
    return [(each.level, each.says) for each in on_django(lambda: list(checkups.check(None)))]


async def test_what_cannot_be_rebuilt_is_refused(chatted: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    known = "directory, history, people, proof"
    assert await refused("rebuild", "everything") == f"There is no projection everything. There are: {known}."
    assert await refused("rebuild") == f"Say which projections ({known}), or --all."
    assert await refused("rebuild", "history", "--all") == f"Say which projections ({known}), or --all."
    async with alone(chatted):
        assert "Another process is rebuilding" in await refused("rebuild", "--all")

    execute("UPDATE checkpoint SET position = position + 1")
    monkeypatch.setattr(rebuilding, "WITHIN_S", 0.0)
    assert await refused("rebuild", "directory") == "directory is at 11, and the log ends before that."

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("the server is away")

    monkeypatch.setattr(SQLiteStore, "read_all", away)
    monkeypatch.setattr(PostgresStore, "read_all", away)
    assert await refused("rebuild", "--all") == "the server is away"


async def test_tables_that_are_not_migrated_are_not_rebuilt(chatted: Deployment) -> None:
    execute("DELETE FROM django_migrations WHERE app = 'projections' AND name = '0006_retention'")
    try:
        assert "run `manage.py migrate` first" in await refused("rebuild", "--all")
        assert "run `manage.py migrate` first" in await refused("parked")
    finally:
        execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('projections', '0006_retention', '2026-01-01 00:00:00')"
        )


async def test_parked_rooms_are_listed_retried_and_released(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("what somebody said")

    assert await manage("parked") == "No room is parked.\n"
    await deployment.say(ADA, "one")
    await deployment.say(ADA, "in the garden", room=GARDEN)
    with monkeypatch.context() as bug:
        bug.setattr("projections.items.posted", fails)
        await deployment.project()
        assert await refused("parked", GARDEN, "--retry") == "1 of 1 stay parked."
    listed = await manage("parked", "--projection", "history")
    assert sorted(each.split(" since ")[0] for each in listed.splitlines()) == [
        "history: garden is parked at seq 2",
        "history: general is parked at seq 2",
    ]
    assert "what somebody said" not in listed
    assert await manage("parked", GARDEN, "--retry") == "history: garden is released\n"
    assert said(await deployment.page(GARDEN)) == ["in the garden"]
    assert await manage("parked", "--retry") == "history: general is released\n"
    assert said(await deployment.page()) == ["one"]
    assert await refused("parked", GENERAL) == "general is not parked."


async def test_the_broken_stay_parked_and_say_why(deployment: Deployment) -> None:
    await deployment.say(ADA, "one")
    await deployment.spoil(GENERAL, 3)
    await deployment.project()
    out = io.StringIO()
    with pytest.raises(CommandError, match="2 of 2 stay parked"):
        await asyncio.to_thread(call_command, "parked", "--retry", stdout=out)
    assert out.getvalue().count("event 3 of general is broken") == 2


def test_a_bar_is_one_line_on_a_terminal_and_a_line_now_and_then_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "ON_A_TERMINAL_EVERY_S", 0.0)
    half = Progress(position=500, target=1000, events_per_s=250.0, eta_s=2.0)

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, shown in ((Terminal(), 3), (io.StringIO(), 1)):
        bar = Bar(rebuild.Command(stderr=out).stderr, "history")
        bar.show(half)
        bar.show(half)
        bar.end()
        assert out.getvalue().count("500 of 1,000 events, 250/s, 2 s left") == shown
        assert out.getvalue().endswith("\n")


def test_a_bar_tells_how_long_it_may_take() -> None:
    assert line("all", Progress(0, 0, 0.0, None)).endswith("100%  0 of 0 events, 0/s")
    assert line("all", Progress(1, 200, 1.0, 199.0)).endswith("  0%  1 of 200 events, 1/s, 3 min 19 s left")
