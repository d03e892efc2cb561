"""Once in a while what is over ends: once, whoever looks, and one room keeps no other."""

import logging
from collections.abc import Sequence

import pytest

from commands.administration import Administration
from commands.days import DAY_MS, before, day_key, day_of
from commands.erasing import Hold, Release
from commands.errors import LegalHold, ProjectionBehind, Unavailable
from commands.handlers import Receipt
from commands.identity import Caller
from commands.people import PEOPLE
from commands.rules import ChangeRoom
from commands.store import StoreUnavailable
from config import retaining
from config.retaining import Outcome, Retaining
from projections import waiting
from tests.cast import GRACE, NOON
from tests.clock import Clock, clock
from tests.projections.deployment import Deployment, Running
from tests.projections.test_commands import manage, refused
from tests.projections.test_erasing import found
from tests.projections.test_keeping import HOPPER, TODAY, kept, room, shown

__all__ = ["clock", "kept", "room"]

AUDITOR = Caller(person="bot:auditor", handle="auditor", request_id="r")


@pytest.fixture
def keeper(deployment: Deployment, kept: Sequence[Receipt], clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Retaining:
    monkeypatch.setattr(retaining, "now_ms", lambda: clock.now)
    return Retaining(deployment.administration, deployment.queries, deployment.log)


async def ended(deployment: Deployment) -> list[str]:
    """Before which days something is over, by all events of it."""
    rows = await deployment.log.read_room(PEOPLE, after=0, auditor=True)
    return [fact.event.data["before"] for fact in rows if fact.event and fact.event.TOPIC == "room.expired"]


async def test_what_is_said_is_kept_for_all_of_its_days(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock
) -> None:
    assert await keeper.once() == [], "it is not a week old"
    clock.pass_days(7)
    assert day_of(clock.now - 7 * DAY_MS) == TODAY
    await keeper.once()
    assert shown(await deployment.page(room)) == [None, None, "zephyr again", "quartz too", "mallow"]
    clock.pass_days(0.5)
    await keeper.once()
    assert shown(await deployment.page(room)) == [None] * 5


async def test_it_ends_once_and_in_a_room_where_nothing_happens_never_again(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock
) -> None:
    clock.pass_days(9)
    assert await keeper.once() == [Outcome(room)]
    assert await keeper.once() == []
    clock.pass_days(20)
    assert await keeper.once() == []
    assert await ended(deployment) == [day_of(NOON + 2 * DAY_MS)]
    await deployment.say(GRACE, "still here", room=room)
    await deployment.project()
    clock.pass_days(1)
    assert await keeper.once() == [Outcome(room)]


async def test_fewer_days_are_over_at_once_and_more_bring_nothing_back(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock
) -> None:
    clock.pass_days(2)
    await deployment.say(GRACE, "and on", room=room)
    await deployment.do(HOPPER, ChangeRoom(room=room, retain_days=1))
    await deployment.project()
    assert await keeper.once() == [Outcome(room)]
    assert await ended(deployment) == [before(TODAY, -1)]
    await deployment.do(HOPPER, ChangeRoom(room=room, retain_days=30))
    await deployment.project()
    clock.pass_days(5)
    assert await keeper.once() == []
    assert shown(await deployment.page(room)) == [None] * 5 + ["and on"]


async def test_who_holds_a_room_is_told_of_and_another_room_is_not_kept(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    other = f"{room}z"
    await deployment.say(HOPPER, "elsewhere", room=other)
    await deployment.do(HOPPER, ChangeRoom(room=other, retain_days=7))
    await deployment.administration.carry_out(Hold(room=room), AUDITOR)
    await deployment.project()
    clock.pass_days(9)
    with caplog.at_level(logging.INFO):
        held, gone = await keeper.once()
    assert (held.room, type(held.kept), gone) == (room, LegalHold, Outcome(other))
    assert f"{room} keeps what is over" in caplog.text
    assert (shown(await deployment.page(room))[0], shown(await deployment.page(other))) == ("zephyr again", [None])
    await deployment.administration.carry_out(Release(room=room), AUDITOR)
    assert await keeper.once() == [Outcome(room)]


async def test_who_is_held_holds_the_rooms_in_which_they_took_part(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock
) -> None:
    await deployment.administration.carry_out(Hold(person=GRACE), AUDITOR)
    await deployment.project()
    clock.pass_days(9)
    [outcome] = await keeper.once()
    assert isinstance(outcome.kept, LegalHold)
    await deployment.administration.carry_out(Release(person=GRACE), AUDITOR)
    assert await keeper.once() == [Outcome(room)]


async def test_rooms_that_keep_everything_are_not_looked_at(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock
) -> None:
    await deployment.do(HOPPER, ChangeRoom(room=room, retain_days=0))
    await deployment.project()
    clock.pass_days(99)
    assert await keeper.once() == []


async def test_what_was_cut_off_is_finished_by_whoever_looks_next(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Sequence[str]) -> None:
        raise StoreUnavailable("the vault is away")

    clock.pass_days(9)
    name, vault = day_key(room, TODAY), deployment.parts.vault
    with monkeypatch.context() as cut:
        cut.setattr(vault, "destroy", away)
        [outcome] = await keeper.once()
    assert (type(outcome.kept), len(await ended(deployment))) == (Unavailable, 1)
    assert (await vault.read([name]))[name]
    assert await keeper.once() == []
    assert await vault.read([name]) == {name: None}


async def test_an_operator_does_it_now(deployment: Deployment, keeper: Retaining, room: str, clock: Clock) -> None:
    assert await manage("retain") == "Nothing is over.\n"
    clock.pass_days(9)
    await deployment.administration.carry_out(Hold(room=room, reason="Case 12-345"), AUDITOR)
    assert await manage("retain") == f"{room}: There is a legal hold on this room: it keeps everything.\n"
    assert found("zephyr", "quartz") == {"zephyr", "quartz"}
    await deployment.administration.carry_out(Release(room=room), AUDITOR)
    assert await manage("retain") == f"{room}: the days that are over have ended.\n"
    assert found("zephyr", "quartz", "mallow", "sphinx") == {"sphinx"}
    assert await manage("retain") == "Nothing is over.\n"


async def test_an_operator_is_told_what_failed(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise Unavailable("the store is away")

    clock.pass_days(9)
    monkeypatch.setattr(Administration, "carry_out", fails)
    assert await refused("retain") == f"Not everything that is over has ended: {room}. Say it again."


async def test_a_long_past_ends_step_by_step_and_the_history_sets_the_pace(
    deployment: Deployment, keeper: Retaining, room: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "STEP_DAYS", 3)
    monkeypatch.setattr(waiting, "WAIT_S", 0.01)
    clock.pass_days(8)
    await deployment.say(GRACE, "and on", room=room)
    await deployment.project()
    clock.pass_days(8)
    [outcome] = await keeper.once()
    assert (type(outcome.kept), await ended(deployment)) == (ProjectionBehind, [before(TODAY, -2)])
    async with Running(deployment):
        while [each.kept for each in await keeper.once()] not in ([], [None]):
            pass
    assert await ended(deployment) == [before(TODAY, -day) for day in (2, 5, 8, 9)]
    assert await keeper.once() == []
