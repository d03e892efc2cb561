"""Reading: every kind of page against a model of the room, one statement each, by index, whatever the size."""

import asyncio
import gc
import json
import re
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.clock import from_rfc3339
from commands.errors import ProjectionBehind, RoomParked, Unavailable
from commands.rules import ChangeRoom, OpenRoom
from projections import statements
from projections.history_statements import THREAD, Among, Kind, Past, page
from projections.reading import _NAMED, SQLiteReading
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.projections.deployment import Deployment, Running, enlarge, execute, said

LINES = 30


async def fill(deployment: Deployment) -> list[tuple[int, str]]:
    """A room whose seqs of messages have gaps where its title changed; answers seq and text of each message."""
    lines = []
    for i in range(LINES):
        if i % 7 == 3:
            await deployment.do(ADA, ChangeRoom(room=GENERAL, title=f"title {i}"))
        (receipt,) = await deployment.say(ADA, f"line {i}")
        lines.append((receipt.seq, f"line {i}"))
    await deployment.project()
    return lines


def expected(lines: list[tuple[int, str]], limit: int, where: str, seq: int) -> tuple[list[str], bool, bool]:
    """What a page should hold, and whether it should have found the oldest and the newest message."""
    older = [line for line in lines if line[0] <= seq]
    if where == "before":
        first, last = max(0, len([s for s, _ in lines if s < seq]) - limit), len([s for s, _ in lines if s < seq])
    elif where == "after":
        first, last = len(older), min(len(lines), len(older) + limit)
    else:
        first = max(0, min(len(older) - 1 - limit // 2, len(lines) - limit))
        last = min(len(lines), first + limit)
    return [text for _, text in lines[first:last]], first == 0, last == len(lines)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_every_page_is_what_a_model_of_the_room_says(deployment: Deployment, data: st.DataObject) -> None:
    if not execute("SELECT 1 FROM history_item"):
        deployment.lines = await fill(deployment)  # type: ignore[attr-defined]  # filled once for all examples
    lines: list[tuple[int, str]] = deployment.lines  # type: ignore[attr-defined]
    where = data.draw(st.sampled_from(["before", "after", "around"]))
    seq = data.draw(st.integers(0, LINES + 10))
    limit = data.draw(st.integers(1, LINES + 5))
    wanted: dict[str, Any] = {where: seq}
    page = await deployment.page(limit=limit, **wanted)
    assert (said(page), page.found_oldest, page.found_newest) == expected(lines, limit, where, seq)
    assert page.head_seq == lines[-1][0]


async def test_without_a_place_the_newest_page_comes(deployment: Deployment) -> None:
    lines = await fill(deployment)
    page = await deployment.page(limit=5)
    assert said(page) == [text for _, text in lines[-5:]]
    assert (page.found_oldest, page.found_newest) == (False, True)
    assert json.loads(page.json())["items"][-1]["message"] == "line 29"


async def test_a_time_is_the_last_line_that_was_there_then(deployment: Deployment) -> None:
    await fill(deployment)
    items = json.loads((await deployment.page(limit=200)).json())["items"]
    for item in items[::5]:
        moment = from_rfc3339(item["created_at"])
        last = [other["seq"] for other in items if from_rfc3339(other["created_at"]) <= moment][-1]
        assert await deployment.page(at=moment, limit=7) == await deployment.page(around=last, limit=7)
    assert said(await deployment.page(at=1, limit=3)) == ["line 0", "line 1", "line 2"]


async def test_an_unknown_room_is_an_empty_page(deployment: Deployment) -> None:
    await fill(deployment)
    page = await deployment.page(GARDEN)
    assert (page.items, page.found_oldest, page.found_newest, page.head_seq) == ([], True, True, 0)
    assert page.position > 0
    assert await deployment.queries.room(GARDEN) is None
    assert await deployment.queries.message(GARDEN, "0" * 32) is None


async def test_an_item_has_everything_that_the_contract_names(deployment: Deployment) -> None:
    (receipt,) = await deployment.say(ADA, "hello")
    await deployment.project()
    assert receipt.message_id is not None
    item = json.loads(await deployment.queries.message(GENERAL, receipt.message_id) or b"null")
    assert item.pop("created_at").endswith("Z")
    assert item == {
        "message_id": receipt.message_id,
        "room": GENERAL,
        "seq": 2,
        "position": receipt.position,
        "author": {"id": ADA, "kind": "guest", "handle": "ada"},
        "message": "hello",
        "edited_at": None,
        "redacted": False,
        "reply_to": None,
        "reactions": {},
        "seq_changed": 2,
    }


async def test_a_page_is_one_statement(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(deployment)
    counted: list[str] = []
    original = deployment.queries._read.rows

    async def counting(statement: str, parameters: Any) -> Any:
        counted.append(statement)
        return await original(statement, parameters)

    monkeypatch.setattr(deployment.queries._read, "rows", counting)
    places: list[dict[str, Any]] = [{}, {"before": 9}, {"after": 9}, {"around": 9}, {"at": 9}]
    pasts: list[dict[str, Any]] = [{}, {"as_of": 0}, {"as_of_time": 9}]
    for place, past in product(places, pasts):
        counted.clear()
        await deployment.page(**place, **past)
        assert len(counted) == 1


PLACE = {"room": GENERAL, "limit": 51, "as_of": 9000, "as_of_time": 5000, "message_id": "5", "points": 200}
KINDS: tuple[Kind, ...] = ("before", "after", "around", "at")
PASTS: tuple[Past | None, ...] = (None, "as_of", "as_of_time")
AMONGS: dict[Among, dict[str, Any]] = {"room": {}, "thread": {"thread": "5"}, "message": {"thread": 1004}}
BY: dict[Among, str] = {"room": r"room.*seq", "thread": r"room.*thread.*seq", "message": r"room.*\bseq ?="}
"""By which columns the lines of a page are looked up, as the plan names them."""


async def test_a_page_of_a_large_room_goes_by_index(deployment: Deployment, database: str) -> None:
    await fill(deployment)
    enlarge(database, analysed=False)
    await check_plans(deployment, database)
    execute("ANALYZE")
    await check_plans(deployment, database)


async def check_plans(deployment: Deployment, database: str) -> None:
    """Nothing is read from end to end, and of a page's lines none to be thrown away."""
    place = PLACE | dict.fromkeys(KINDS, 5000)
    for kind, (among, thread), past in product(KINDS, AMONGS.items(), PASTS):
        plan = await _plan(deployment, database, page(kind, among, past), place | thread)
        assert not _scans(plan), plan
        assert "Filter:" not in plan, plan
        assert not [by for by in _looked_up(plan) if not re.search(rf"{BY[among]}|room_time", by)], plan
    for statement in (THREAD, statements.TAPE):
        plan = await _plan(deployment, database, statement, place)
        assert not _scans(plan), plan


def _scans(plan: str) -> list[str]:
    """What a plan reads from end to end of the history's tables."""
    touched = [line for line in plan.splitlines() if re.search(r"history_(item|past|text|title)|\b[ot]\b", line)]
    assert touched
    return [line for line in touched if re.search(r"Seq Scan|SCAN (history_\w+|o|t)$", line)]


def _looked_up(plan: str) -> list[str]:
    """By what a plan finds messages: each time the index that it uses, and its terms."""
    found = re.findall(r"SEARCH history_item USING .*|history_item(?:_\d)?  \(.*\n.*", plan)
    assert found
    return found


async def _plan(deployment: Deployment, database: str, statement: str, place: dict[str, Any]) -> str:
    literal = _NAMED.sub(lambda found: repr(place[found[1]]), statement)
    explain = "EXPLAIN QUERY PLAN" if database.startswith("sqlite") else "EXPLAIN"
    return "\n".join(str(row[-1]) for row in await deployment.queries._read.rows(f"{explain} {literal}", {}))


async def test_a_page_costs_the_same_wherever_it_is(deployment: Deployment, database: str) -> None:
    if not isinstance(deployment.queries._read, SQLiteReading):
        pytest.skip("PostgreSQL's plans tell it: nothing is filtered")
    await fill(deployment)
    enlarge(database, analysed=False)
    await asyncio.gather(*(deployment.page(limit=1) for _ in range(50)))
    steps: list[int] = []
    for connection in deployment.queries._read._connections:
        connection.set_progress_handler(lambda: steps.append(1), 1)
    execute("UPDATE history_room SET head_seq = 21000")
    places: dict[Kind, tuple[int, ...]] = dict.fromkeys(KINDS, (0, 20, 5000, 15_000, 2**53)) | {"at": (5000, 15_000)}
    moments: list[dict[str, int]] = [{past: when} for past in ("as_of", "as_of_time") for when in (1, 5, 20_000)]
    for kind, thread, past in product(KINDS, (None, "15000", "5000"), [{}, *moments]):
        for place in places[kind]:
            steps.clear()
            wanted: dict[str, Any] = {kind: place, "thread": thread, **past}
            await deployment.page(limit=5, **wanted)
            cost = len(steps)
            assert cost < 2000, (wanted, cost)


async def test_reading_waits_for_the_position_that_was_promised(deployment: Deployment) -> None:
    (receipt,) = await deployment.say(ADA, "hello")
    waiting = [asyncio.create_task(deployment.page(min_position=receipt.position)) for _ in range(20)]
    async with Running(deployment):
        pages = await asyncio.gather(*waiting)
    assert all(said(page) == ["hello"] for page in pages)


async def test_waiting_is_bounded(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.waiting.WAIT_S", 0.1)
    with pytest.raises(ProjectionBehind) as refused:
        await deployment.page(min_position=10**9)
    assert refused.value.retry_after_ms


async def test_rooms_are_listed_page_by_page_and_private_ones_for_their_owner_only(deployment: Deployment) -> None:
    for i in range(5):
        await deployment.do(ADA, OpenRoom(room=f"room-{i}", visibility="private" if i == 2 else "public"))
    await deployment.project()

    async def labels(person: str | None) -> list[str]:
        found: list[str] = []
        after: str | None = None
        while True:
            items, after = await deployment.queries.rooms(person, after=after, limit=2)
            found += [json.loads(item)["label"] for item in items]
            if after is None:
                return found

    assert await labels(ADA) == [f"room-{i}" for i in range(5)]
    assert await labels(GRACE) == await labels(None) == ["room-0", "room-1", "room-3", "room-4"]


async def test_a_parked_room_says_so(deployment: Deployment) -> None:
    await deployment.say(ADA, "hello")
    await deployment.spoil(GENERAL, 3)
    await deployment.project()
    for reading in (
        deployment.page(),
        deployment.page(around=1),
        deployment.queries.room(GENERAL),
        deployment.queries.message(GENERAL, (await deployment.log.read_room(GENERAL, after=1))[0].recorded.subject[8:]),
    ):
        with pytest.raises(RoomParked):
            await reading
    statuses = await deployment.queries.projections()
    assert [status.parked for status in statuses] == [[GENERAL], [GENERAL], [], []]


async def test_who_stops_waiting_hurts_nobody_and_leaves_no_error_behind(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    async def fails(*_: object) -> None:
        asked.set()
        await answer.wait()
        raise Unavailable

    monkeypatch.setattr(deployment.queries._read, "rows", fails)
    for others in (1, 0):
        asked.clear()
        answer.clear()
        waiting = [asyncio.create_task(deployment.page(min_position=1)) for _ in range(1 + others)]
        await asked.wait()
        waiting[0].cancel()
        await asyncio.wait(waiting[:1])
        answer.set()
        for other in waiting[1:]:
            with pytest.raises(Unavailable):
                await other
    await asyncio.sleep(0)
    deployment.queries._waits._waits.clear()
    gc.collect()
    assert "never retrieved" not in caplog.text
