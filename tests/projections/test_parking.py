"""Rooms that are set aside: why, how it shows, and how they come back without having missed anything."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from django.db import DatabaseError

from commands.errors import RoomParked
from commands.subscription import Fact
from projections import parking
from projections.applying import Applier
from projections.directory import Directory
from projections.history import History
from tests.cast import ADA, GENERAL
from tests.projections.deployment import DJANGO, Deployment, applier_of, execute, on_django, said, unread


def apply(applier: Applier, facts: Sequence[Fact]) -> None:
    on_django(partial(applier.apply, facts))


async def test_a_release_while_the_runner_goes_on_loses_nothing(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.say(ADA, "one")
    facts = await deployment.log.read_all(after=0, limit=100)
    runner = applier_of(History())
    apply(runner, [facts[0], unread(facts[1])])
    await deployment.say(ADA, "two", "three")
    news = await deployment.log.read_all(after=runner.position, limit=100)
    original = Applier.write

    def write_while_a_batch_comes_in(self: Applier, page: Sequence[Fact]) -> None:
        original(self, page)
        runner.apply(news)

    monkeypatch.setattr(Applier, "write", write_while_a_batch_comes_in)
    assert await retry(deployment) == [True]
    await deployment.say(ADA, "four")
    apply(runner, await deployment.log.read_all(after=runner.position, limit=100))
    assert said(await deployment.page()) == ["one", "two", "three", "four"]


async def test_a_room_that_still_cannot_be_followed_stays_parked_where_it_fails_now(
    deployment: Deployment,
) -> None:
    await deployment.say(ADA, "one")
    facts = await deployment.log.read_all(after=0, limit=100)
    apply(applier_of(History()), [facts[0], unread(facts[1])])
    await deployment.spoil(GENERAL, 3)
    assert await retry(deployment) == [False]
    (parked,) = on_django(partial(parking.find, "history"))
    assert (parked.room, parked.seq, parked.error) == (GENERAL, 3, "event 3 of general is broken")
    assert execute("SELECT seq FROM history_item") == [(2,)]


async def retry(deployment: Deployment) -> list[bool]:
    """Try every room again that the history has parked."""

    async def on_thread[T](work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(DJANGO.submit(work))

    found = on_django(partial(parking.find, "history"))
    return [await parking.retry(deployment.log, History(), each, on_thread) for each in found]


async def test_a_fault_of_the_database_is_no_reason_to_park(deployment: Deployment) -> None:
    await deployment.say(ADA, "one", "two")
    facts = await deployment.log.read_all(after=0, limit=100)
    applier = applier_of(History())
    execute("ALTER TABLE history_item RENAME TO away")
    try:
        with pytest.raises(DatabaseError):
            apply(applier, facts)
        assert execute("SELECT room FROM parked_room") == []
    finally:
        execute("ALTER TABLE away RENAME TO history_item")
    apply(applier, facts)
    assert said(await deployment.page()) == ["one", "two"]


async def test_a_parked_room_says_so_where_its_row_is_missing(deployment: Deployment) -> None:
    (receipt,) = await deployment.say(ADA, "one")
    assert receipt.message_id is not None
    facts = [unread(fact) for fact in await deployment.log.read_all(after=0, limit=100)]
    for projection in (Directory(), History()):
        apply(applier_of(projection), facts)
    for reading in (
        deployment.page(),
        deployment.queries.message(GENERAL, receipt.message_id),
        deployment.queries.room(GENERAL),
    ):
        with pytest.raises(RoomParked):
            await reading


async def test_a_seq_that_never_came_parks_the_room(deployment: Deployment) -> None:
    await deployment.say(ADA, "one", "two")
    facts = await deployment.log.read_all(after=0, limit=100)
    apply(applier_of(History()), [facts[0], facts[2]])
    assert execute("SELECT room, seq FROM parked_room") == [(GENERAL, 3)]


async def test_an_erased_author_keeps_the_place_of_the_message(deployment: Deployment) -> None:
    await deployment.say(ADA, "one")
    facts = await deployment.log.read_all(after=0, limit=100)
    apply(applier_of(History()), [fact._replace(stub="erased") for fact in facts])
    (item,) = (await deployment.page()).items
    assert b'"message":null' in item
    assert b'"redacted":true' in item
