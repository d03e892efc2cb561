"""Read models forget what a room does not keep any more: what is left is what a rebuild would make."""

from collections.abc import Sequence
from functools import partial
from itertools import count

import msgspec
import pytest

from commands.amending import EditMessage
from commands.days import DAY_MS, before, day_of
from commands.erasing import Expire
from commands.handlers import Receipt
from commands.identity import Caller
from commands.message import PostMessage
from commands.reaction import React
from commands.rules import ChangeRoom
from commands.subscription import Fact
from projections import history_tables
from projections.history import History
from projections.queries import Page
from projections.rows import select_after
from tests.cast import ADA, GARDEN, GRACE, NOON
from tests.clock import Clock, clock
from tests.projections.deployment import Deployment, execute, forget, on_django, said, tables
from tests.projections.test_erasing import found
from tests.projections.test_parking import retry

__all__ = ["clock"]

HOPPER = "user:hopper"
TODAY = day_of(NOON)
RETENTION = Caller(person="bot:retention", handle="retention", request_id="r")
_rooms = (f"attic{number}" for number in count(1))


@pytest.fixture
def room() -> str:
    """A room that no other test knows: keys outlive a test."""
    return next(_rooms)


@pytest.fixture
async def kept(deployment: Deployment, room: str, clock: Clock) -> list[Receipt]:
    """A room with words of yesterday, from before it kept them for a week, and of today; all of it is projected."""
    clock.pass_days(-1)
    old, *_ = await deployment.say(HOPPER, "zephyr", "mallow", room=room)
    await deployment.say(GRACE, "sphinx", room=GARDEN)
    clock.pass_days(1)
    await deployment.do(HOPPER, ChangeRoom(room=room, retain_days=7))
    new, *_ = await deployment.say(GRACE, "quartz", "quartz too", room=room)
    for person, receipt in ((HOPPER, old), (GRACE, new)):
        assert receipt.message_id
        await deployment.do(ADA, React(room=room, message_id=receipt.message_id, emoji="🫖"))
        await deployment.do(person, EditMessage(room=room, message_id=receipt.message_id, message="zephyr again"))
    await deployment.do(ADA, PostMessage(room=room, message="mallow", reply_to=new.message_id))
    await deployment.project()
    return [old, new]


def shown(page: Page) -> list[str | None]:
    """What a page says, message by message."""
    return list(said(page))


async def end(deployment: Deployment, room: str, day: str) -> None:
    await deployment.administration.carry_out(Expire(room=room, since=TODAY, before=day), RETENTION)


async def rebuilt(deployment: Deployment) -> dict[str, list[tuple[object, ...]]]:
    forget()
    await deployment.project()
    return tables()


async def test_what_is_over_is_left_in_no_table_and_nothing_else_is_touched(
    deployment: Deployment, kept: Sequence[Receipt], room: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_tables, "FORGET", 2)
    clock.pass_days(1)
    await deployment.say(ADA, "welcome", room=room)
    await deployment.project()
    await end(deployment, room, before(TODAY, -1))
    assert shown(await deployment.page(room)) == [None] * 5 + ["welcome"], "no page waits for the read model"
    await deployment.project()
    assert shown(await deployment.page(room)) == [None] * 5 + ["welcome"]
    assert found("zephyr", "mallow", "quartz", "sphinx", "welcome") == {"sphinx", "welcome"}
    item = msgspec.json.decode((await deployment.page(room)).items[2])
    assert (item["message"], item["redacted"], item["author"]) == (
        None,
        True,
        {"id": GRACE, "kind": "guest", "handle": ""},
    )
    assert (item["reactions"], item["edited_at"] is None) == ({"🫖": 1}, False)
    assert await rebuilt(deployment) == tables()


async def test_days_end_one_after_the_other(
    deployment: Deployment, kept: Sequence[Receipt], room: str, clock: Clock
) -> None:
    for day in (0, 1, 2):
        await end(deployment, room, before(TODAY, -day))
        await deployment.project()
        assert shown(await deployment.page(room)).count(None) == (2, 5, 6)[day]
        clock.pass_days(1)
        await deployment.say(ADA, "welcome", room=room)
        await deployment.project()
    left = tables()
    assert await rebuilt(deployment) == left


async def test_what_was_forgotten_once_is_not_read_again(
    deployment: Deployment, kept: Sequence[Receipt], room: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.pass_days(4)
    await deployment.say(ADA, "welcome", room=room)
    await deployment.project()
    await end(deployment, room, before(TODAY, -4))
    await deployment.project()
    looked: list[int] = []
    monkeypatch.setattr(history_tables, "select_after", _counting(looked))
    clock.pass_days(1)
    await end(deployment, room, before(TODAY, -5))
    await deployment.project()
    assert looked == [1, 0]
    assert shown(await deployment.page(room)) == [None] * 6


def _counting(looked: list[int]) -> object:
    def counting(*args: object) -> list[tuple[object, ...]]:
        rows = select_after(*args)  # type: ignore[arg-type]
        looked.append(len(rows))
        return rows

    return counting


async def test_whatever_comes_late_about_what_is_over_says_nothing(
    deployment: Deployment, kept: Sequence[Receipt], room: str
) -> None:
    """By a process that has not heard that it is over, of a message that was sealed before there were keys of days."""
    await end(deployment, room, TODAY)
    await deployment.project()
    facts = await deployment.log.read_room(room, after=0, auditor=True)
    edited = next(fact for fact in facts if fact.recorded.topic == "message.edited" and not fact.stub)
    late = Fact(edited.recorded._replace(seq=facts[-1].recorded.seq + 1, position=2**40), edited.event)
    on_django(partial(History().apply, [late]))
    assert shown(await deployment.page(room))[0] is None
    assert "zephyr again" not in str(execute("SELECT item FROM history_item WHERE room = %s AND seq = 2", [room]))


async def test_a_room_that_was_parked_meanwhile_comes_back_without(
    deployment: Deployment, kept: Sequence[Receipt], room: str
) -> None:
    forget([History()])
    execute("INSERT INTO parked_room VALUES ('history', %s, 1, 1, 'a bug', 0)", [room])
    await end(deployment, room, TODAY)
    await deployment.project()
    assert await retry(deployment) == [True]
    rows = execute("SELECT item FROM history_item WHERE room = %s ORDER BY seq", [room])
    assert [b'"message":null' in bytes(item) for (item,) in rows] == [True, True, False, False, False]
    left = tables()
    assert await rebuilt(deployment) == left


async def test_where_a_clock_ran_ahead_no_page_shows_what_is_over(
    deployment: Deployment, kept: Sequence[Receipt], room: str, clock: Clock
) -> None:
    """The room's time is a year ahead since, by which the read model finds what is over."""
    clock.pass_days(365)
    await deployment.say(ADA, "too early", room=room)
    clock.pass_days(-365)
    await deployment.say(ADA, "of today", room=room)
    await deployment.project()
    await end(deployment, room, before(TODAY, -1))
    await deployment.project()
    assert shown(await deployment.page(room)) == [None] * 5 + ["too early", None]
    [item] = (await deployment.page(room, before=9999, limit=1)).items
    assert msgspec.json.decode(item)["message"] is None
    message = await deployment.queries.message(room, msgspec.json.decode(item)["message_id"])
    assert message and msgspec.json.decode(message)["message"] is None


async def test_the_directory_says_for_how_long_a_room_is_kept(
    deployment: Deployment, kept: Sequence[Receipt], room: str, clock: Clock
) -> None:
    row = await deployment.queries.room(room)
    assert row and msgspec.json.decode(row)["retain_days"] == 7
    assert await deployment.queries.retained() == [(room, 7, TODAY, NOON - DAY_MS, NOON)]
    assert await deployment.queries.retained(after=room) == []
    await deployment.do(HOPPER, ChangeRoom(room=room, retain_days=0))
    await deployment.project()
    assert await deployment.queries.retained() == []
