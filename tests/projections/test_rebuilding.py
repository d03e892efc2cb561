"""Rebuilding beside the version in use: equal, continued after a death, different on purpose, taken back."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from commands.amending import EditMessage, RedactMessage
from commands.message import PostMessage
from commands.reaction import React
from commands.rules import ChangeRoom
from commands.subscription import Fact
from projections import beside, directory, rebuilding
from projections.beside import Beside, NothingKept, Stretch, WentBack
from projections.comparing import Comparison
from projections.known import KNOWN
from projections.rebuilding import Progress, Rebuilding, RebuildRunning
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, applier_of, execute, forget, on_django, said, tables


async def talk(deployment: Deployment) -> None:
    """Something for every table."""
    first = await deployment.do(ADA, PostMessage(room=GENERAL, message="helo"))
    secret = await deployment.do(ADA, PostMessage(room=GENERAL, message="a secret"))
    assert first.message_id
    assert secret.message_id
    await deployment.do(ADA, EditMessage(room=GENERAL, message_id=first.message_id, message="hello"))
    await deployment.do(ADA, RedactMessage(room=GENERAL, message_id=secret.message_id))
    await deployment.do(GRACE, React(room=GENERAL, message_id=first.message_id, emoji="👍"))
    await deployment.do(GRACE, PostMessage(room=GENERAL, message="and you?", reply_to=first.message_id))
    await deployment.do(ADA, ChangeRoom(room=GENERAL, title="General", topic="tea"))
    await deployment.say(GRACE, "in the garden", room=GARDEN)


@asynccontextmanager
async def alone(
    deployment: Deployment, tell: Callable[[Progress], None] = lambda _: None
) -> AsyncIterator[tuple[Rebuilding, list[Beside]]]:
    work = Rebuilding(deployment.log, KNOWN, tell)
    async with work.alone() as versions:
        yield work, versions


async def rebuild(deployment: Deployment, *, back: bool = False, exchange: bool = True) -> list[Comparison]:
    """All of it, or all but the exchange."""
    compared = []
    async with alone(deployment) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin_to_return if back else each.begin)
        await work.bring_forward(versions)
        for each in versions:
            compared.append(await work.compare(each))
            if exchange:
                await work.exchange(each)
    return compared


@pytest.fixture
async def chatted(deployment: Deployment) -> Deployment:
    """A deployment in which something was said, and projected."""
    await talk(deployment)
    await deployment.project()
    return deployment


def is_sound() -> bool:
    """Whether SQLite finds nothing wrong with its file; PostgreSQL has nothing of the sort."""
    try:
        return execute("PRAGMA integrity_check") == [("ok",)]
    except Exception:  # noqa: BLE001 - whatever PostgreSQL says of a PRAGMA
        return True


async def test_what_is_rebuilt_is_equal_takes_its_place_and_goes_on(chatted: Deployment) -> None:
    kept = tables()
    assert all(kept.values()), "every table has something in it"
    assert all(each.equal for each in await rebuild(chatted))
    assert tables() == kept
    assert is_sound()
    await chatted.say(ADA, "later")
    await chatted.project()
    assert said(await chatted.page())[-1] == "later"
    assert said(await chatted.page(as_of=3))[0] == "helo"


async def test_it_tells_how_far_it_has_come(chatted: Deployment) -> None:
    told: list[Progress] = []
    async with alone(chatted, told.append) as (work, versions):
        assert {status.rebuild for status in await chatted.queries.projections()} == {None}
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)
        last = await chatted.log.last_position()
        shown = [status.rebuild for status in await chatted.queries.projections()]
        for each in versions:
            await work.exchange(each)
    assert (told[-1].position, told[-1].target, told[-1].eta_s) == (last, last, 0)
    assert [(each.state, each.position, each.target) for each in shown if each] == [("building", last, last)] * 4
    assert {status.rebuild for status in await chatted.queries.projections()} == {None}
    assert [status.name for status in await chatted.queries.projections()] == [
        "directory",
        "history",
        "people",
        "proof",
    ]


async def test_a_rebuild_that_died_goes_on_from_where_it_was(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rebuilding, "BATCH", 3)
    kept = tables()
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        facts = await chatted.log.read_all(after=0, limit=5)
        for each in versions:
            await work.on_thread(partial(each.apply, Stretch(0, facts)))
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        assert [each.position for each in versions] == [facts[-1].recorded.position] * 4
    assert all(each.equal for each in await rebuild(chatted))
    assert tables() == kept


@pytest.mark.parametrize("change", ["code", "shape", "emptied"])
async def test_what_was_begun_by_other_code_or_for_other_tables_is_begun_anew(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    await rebuild(chatted, exchange=False)
    match change:
        case "code":
            monkeypatch.setattr(beside, "_code", lambda: "another")
        case "shape":
            execute("ALTER TABLE directory_room ADD COLUMN mood text")
        case "emptied":
            forget()
    try:
        async with alone(chatted) as (work, versions):
            await work.on_thread(versions[0].begin)
            assert versions[0].position == 0
    finally:
        if change == "shape":
            execute("ALTER TABLE directory_room DROP COLUMN mood")


def count_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory whose author meant something else."""
    original = directory.Listed.apply

    def apply(self: directory.Listed, fact: Fact) -> None:
        original(self, fact)
        if fact.recorded.topic == "message.posted":
            self.message_count += 1

    monkeypatch.setattr(directory.Listed, "apply", apply)


async def test_a_projection_changed_on_purpose_shows_the_difference_before_anything_changes(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tables()
    count_twice(monkeypatch)
    changed, *same = await rebuild(chatted, exchange=False)
    assert all(each.equal for each in same)
    assert not changed.equal
    (table,) = changed.tables
    assert (table.in_use.rows, table.beside.rows) == (2, 2)
    assert table.in_use.checksum != table.beside.checksum
    assert (table.changed, table.gone, table.added) == (2, 0, 0)
    assert sorted(table.examples) == ["garden: message_count '1' → '2'", "general: message_count '3' → '6'"]
    assert tables() == kept
    await rebuild(chatted)
    assert {row[9] for row in tables()["directory_room"]} == {2, 6}


async def test_rows_that_are_gone_or_new_are_counted(chatted: Deployment) -> None:
    execute("DELETE FROM history_item WHERE seq = 2")
    execute("INSERT INTO history_room VALUES ('nowhere', 1, 1, 0)")
    _, history, *_ = await rebuild(chatted, exchange=False)
    found = {each.table: (each.changed, each.gone, each.added) for each in history.tables if not each.equal}
    assert found == {"history_item": (0, 0, 2), "history_room": (0, 1, 0)}


async def test_rows_that_are_nothing_but_a_key_are_compared(chatted: Deployment) -> None:
    execute("DELETE FROM person_event WHERE position = 2")
    _, _, people, _ = await rebuild(chatted, exchange=False)
    [table] = [each for each in people.tables if not each.equal]
    assert (table.table, table.changed, table.gone, table.added) == ("person_event", 0, 0, 1)


async def test_a_room_that_was_parked_by_a_bug_comes_back_with_a_rebuild(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ValueError

    await talk(deployment)
    with monkeypatch.context() as bug:
        bug.setattr("projections.items.posted", fails)
        (_, runner, *_) = await deployment.project()
    await deployment.say(ADA, "later")
    _, history, *_ = await rebuild(deployment)
    assert (history.parked, history.parked_beside) == (2, 0)
    assert not history.equal
    facts = await deployment.log.read_all(after=runner.position, limit=10)
    on_django(lambda: runner.apply(facts))
    assert said(await deployment.page())[-1] == "later", "who runs it has heard of it"
    assert execute("SELECT projection FROM parked_room") == [("history/beside",), ("history/beside",)]


async def test_what_was_in_use_can_be_put_back_and_has_missed_nothing(
    chatted: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as change:
        count_twice(change)
        await rebuild(chatted)
    await chatted.say(ADA, "later")
    await chatted.project()
    await rebuild(chatted, back=True)
    rolled_back = tables()
    assert [row[9] for row in rolled_back["directory_room"]] == [1, 4]
    forget()
    await chatted.project()
    assert tables() == rolled_back
    assert is_sound()


async def test_without_a_kept_version_of_the_same_shape_nothing_can_be_put_back(chatted: Deployment) -> None:
    with pytest.raises(NothingKept, match="No earlier version of directory"):
        await rebuild(chatted, back=True)
    await rebuild(chatted)
    execute("ALTER TABLE directory_room ADD COLUMN mood text")
    try:
        with pytest.raises(NothingKept, match="another shape"):
            await rebuild(chatted, back=True)
    finally:
        execute("ALTER TABLE directory_room DROP COLUMN mood")


async def test_only_one_rebuilds_a_projection_at_a_time(chatted: Deployment) -> None:
    async with alone(chatted):
        with pytest.raises(RebuildRunning):
            await rebuild(chatted)
    await rebuild(chatted)


async def test_a_version_in_use_that_was_emptied_meanwhile_is_not_overtaken(chatted: Deployment) -> None:
    async with alone(chatted) as (work, versions):
        for each in versions:
            await work.on_thread(each.begin)
        await work.bring_forward(versions)
        forget()
        with pytest.raises(WentBack):
            await work.exchange(versions[0])


async def test_a_stretch_that_does_not_follow_where_it_is_is_left_alone(chatted: Deployment) -> None:
    facts = await chatted.log.read_all(after=0, limit=100)
    async with alone(chatted) as (work, (version, *_)):
        await work.on_thread(version.begin)
        later = Stretch(facts[3].recorded.position, facts[4:])
        await work.on_thread(partial(version.apply, later))
        assert version.position == 0
        assert not await work.on_thread(partial(version.exchange, later))
        assert await work.on_thread(partial(version.compare, later)) is None
        await work.on_thread(partial(version.apply, Stretch(0, facts[:6])))
        assert version.position == facts[5].recorded.position


async def test_what_is_not_in_use_yet_is_not_overtaken_and_nothing_is_left_out(deployment: Deployment) -> None:
    """The one in use lags behind the log, and each by another distance."""
    await talk(deployment)
    facts = await deployment.log.read_all(after=0, limit=100)
    for projection, count in zip(KNOWN, (7, 4, 5, 6), strict=True):
        applier = applier_of(projection)
        on_django(partial(applier.apply, facts[:count]))
    assert all(each.equal for each in await rebuild(deployment))
    assert [status.position for status in await deployment.queries.projections()] == [7, 4, 5, 6]
    await deployment.project()
    assert execute("SELECT room FROM parked_room") == []
