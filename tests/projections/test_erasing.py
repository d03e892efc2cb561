"""Read models forget who was erased: what is left is what a rebuild would make, and no page waits for it."""

from functools import partial
from itertools import count
from typing import Any

import msgspec
import pytest
from django.db import connection

from commands.amending import EditMessage, RedactMessage
from commands.errors import ProjectionBehind
from commands.handlers import Receipt
from commands.message import PostMessage
from commands.reaction import React
from commands.rules import ChangeRoom
from projections import history_tables
from projections.forgetting import leave_nothing
from projections.history import History
from projections.known import KNOWN
from projections.rebuilding import Rebuilding
from tests.cast import ADA, GARDEN, GENERAL
from tests.projections.deployment import Deployment, Running, applier_of, execute, forget, on_django, said, tables

WORDS = ("zephyr", "quartz", "mallow", "sphinx")
_numbers = count(1)


@pytest.fixture
def mallory() -> str:
    """Somebody whom no other test knows: keys outlive a test."""
    return f"guest:mallow{next(_numbers)}"


@pytest.fixture
async def posted(deployment: Deployment, mallory: str) -> Receipt:
    """mallory said things, edited one, had one redacted, and was answered, in two rooms; all of it is projected."""
    await deployment.say(ADA, "welcome")
    first, second = await deployment.say(mallory, "zephyr", "quartz")
    assert first.message_id and second.message_id
    await deployment.do(mallory, EditMessage(room=GENERAL, message_id=first.message_id, message="zephyr sphinx"))
    await deployment.do(ADA, RedactMessage(room=GENERAL, message_id=second.message_id))
    await deployment.do(ADA, PostMessage(room=GENERAL, message="so it is", reply_to=first.message_id))
    await deployment.do(ADA, React(room=GENERAL, message_id=first.message_id, emoji="🫖"))
    await deployment.say(mallory, "sphinx", room=GARDEN)
    await deployment.do(ADA, ChangeRoom(room=GENERAL, topic="tea"))
    await deployment.project()
    assert found(*WORDS) == {"zephyr", "mallow", "sphinx"}  # what was redacted is gone already
    return first


def found(*words: str) -> set[str]:
    """Which of these words are in any column of any table that SQL can see."""
    return {word for word in words for row in on_django(_rows) if word.encode() in row}


def _rows() -> list[bytes]:
    """Every row of every table, as bytes; but for what names people by their ids, which stay."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('public', 'beside')"
            )
            names = [name for (name,) in cursor.fetchall()]
        found = []
        for name in names:
            cursor.execute(f"SELECT * FROM {name}")
            found += [_bytes(row) for row in cursor.fetchall()]
    return found


def _bytes(row: tuple[Any, ...]) -> bytes:
    said = b"\0".join(bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for value in row)
    return said.replace(b"guest:mallow", b"guest:")


async def test_nothing_that_they_said_is_left_in_any_table(
    deployment: Deployment, mallory: str, posted: Receipt
) -> None:
    await deployment.erase(mallory)
    await deployment.project()
    assert found(*WORDS) == set()
    [_, first, second, _] = [msgspec.json.decode(item) for item in (await deployment.page()).items]
    for item in (first, second):
        assert (item["message"], item["redacted"], item["author"]["handle"]) == (None, True, "")
        assert item["author"]["id"] == mallory
    assert (first["reactions"], first["edited_at"] is None, first["seq_changed"]) == ({"🫖": 1}, False, 8)


async def test_what_is_left_is_what_a_rebuild_makes(deployment: Deployment, mallory: str, posted: Receipt) -> None:
    await deployment.erase(mallory)
    await deployment.say(ADA, "later")
    await deployment.project()
    kept = tables()
    forget()
    await deployment.project()
    assert tables() == kept
    assert "people" not in {row[0] for row in kept["directory_room"] + kept["history_room"]}


async def test_to_forget_takes_pages_and_may_be_done_again(
    deployment: Deployment, mallory: str, posted: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.say(mallory, *(f"sphinx {n}" for n in range(7)))
    monkeypatch.setattr(history_tables, "FORGET", 2)
    await deployment.erase(mallory)
    await deployment.project()
    assert found(*WORDS) == set()
    kept = tables()
    on_django(partial(history_tables.forget_person, mallory))
    assert tables() == kept


async def test_while_the_read_model_lags_no_page_shows_them(
    deployment: Deployment, mallory: str, posted: Receipt
) -> None:
    await deployment.erase(mallory)
    assert "zephyr sphinx" in {item["message"] for item in map(msgspec.json.decode, _items())}
    for wanted in ({}, {"as_of": 4}, {"as_of": 3, "auditor": True}, {"around": 3}, {"thread": posted.message_id}):
        page = await deployment.page(**wanted)
        assert not [word for word in WORDS for item in page.items if word in item.decode().replace(mallory, "")]
    message = await deployment.queries.message(GENERAL, posted.message_id or "")
    assert message is not None and b'"message":null' in message and b'"handle":""' in message
    assert said(await deployment.page(room=GARDEN)) == [None]
    assert "welcome" in said(await deployment.page())


def _items() -> list[bytes]:
    return [bytes(item) for (item,) in execute("SELECT item FROM history_item")]


async def test_where_too_many_were_erased_to_know_them_all_a_page_waits(
    deployment: Deployment, mallory: str, posted: Receipt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment.log.erasures, "_max_known", 0)
    await deployment.erase(mallory)
    with pytest.raises(ProjectionBehind):
        await deployment.page()
    await deployment.project()
    assert "zephyr sphinx" not in said(await deployment.page())


async def test_an_event_that_was_read_before_is_forgotten_when_its_erasure_comes(
    deployment: Deployment, mallory: str, posted: Receipt
) -> None:
    """A runner that has opened events, and applies them after the key is gone."""
    await deployment.say(mallory, "zephyr again")
    opened = await deployment.log.read_all(after=0, limit=1000)
    await deployment.erase(mallory)
    applier = applier_of(History())
    on_django(partial(applier.apply, opened))
    assert found("zephyr again") == {"zephyr again"}
    on_django(partial(applier.apply, await deployment.log.read_all(after=opened[-1].recorded.position, limit=1000)))
    assert found(*WORDS) == set()


async def test_what_is_kept_beside_goes_as_well(deployment: Deployment, mallory: str, posted: Receipt) -> None:
    rebuilding = Rebuilding(deployment.log, [History()], lambda _: None)
    async with rebuilding.alone() as [beside]:
        await rebuilding.on_thread(beside.begin)
        await rebuilding.bring_forward([beside])
        await rebuilding.compare(beside)
        await rebuilding.exchange(beside)
    await deployment.erase(mallory)
    await deployment.project()
    assert found(*WORDS) == {"zephyr", "mallow", "sphinx"}
    assert on_django(leave_nothing)
    assert found(*WORDS) == set()


async def test_while_a_rebuild_is_running_it_is_left_alone(
    deployment: Deployment, mallory: str, posted: Receipt
) -> None:
    rebuilding = Rebuilding(deployment.log, [History()], lambda _: None)
    async with rebuilding.alone() as [beside]:
        await rebuilding.on_thread(beside.begin)
        await rebuilding.bring_forward([beside])
        assert _can_find_authors_beside()
        await deployment.erase(mallory)
        await deployment.project()
        assert not on_django(leave_nothing)
        await rebuilding.bring_forward([beside])
        assert found(*WORDS) == set()
        assert _can_find_authors_beside()
        assert (await rebuilding.compare(beside)).equal
        await rebuilding.exchange(beside)


def _can_find_authors_beside() -> bool:
    """Whether the index for it is there."""
    if on_django(lambda: connection.vendor) == "sqlite":
        made = "SELECT 1 FROM sqlite_schema WHERE name = 'beside_history_item_author'"
    else:
        made = "SELECT 1 FROM pg_indexes WHERE (schemaname, indexname) = ('beside', 'history_item_author')"
    return execute(made) == [(1,)]


async def test_the_runner_forgets_by_itself(deployment: Deployment, mallory: str, posted: Receipt) -> None:
    async with Running(deployment):
        position = await deployment.erase(mallory)
        await deployment.queries.wait_for("history", position)
    assert found(*WORDS) == set()


async def test_it_is_known_where_somebody_took_part(deployment: Deployment, mallory: str, posted: Receipt) -> None:
    last = await deployment.log.last_position()
    assert await deployment.queries.rooms_of(mallory, min_position=last) == [GARDEN, GENERAL]
    assert await deployment.queries.rooms_of("guest:nobody", min_position=last) == []
    rows = execute("SELECT position FROM person_event WHERE person = %s ORDER BY position", [mallory])
    assert len(rows) == 5
    await deployment.erase(mallory)
    await deployment.project()
    assert len(execute("SELECT position FROM person_event WHERE person = %s", [mallory])) == 6
    assert await deployment.queries.rooms_of("bot:auditor", min_position=last) == []


async def test_every_projection_passes_the_stream_of_people(deployment: Deployment, mallory: str) -> None:
    await deployment.say(mallory, "sphinx")
    await deployment.erase(mallory)
    appliers = await deployment.project()
    assert {applier.position for applier in appliers} == {await deployment.log.last_position()}
    assert execute("SELECT * FROM parked_room") == []
    assert len(appliers) == len(KNOWN)
