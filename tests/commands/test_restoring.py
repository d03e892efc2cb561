"""Events that were decided elsewhere are appended in their order, and numbered as they were."""

import json
import random
from collections.abc import Iterator

import pytest

from commands.days import day_key
from commands.events import Event, MessageEdited, MessagePosted, ReactionAdded, RoomOpened
from commands.keyring import Erased
from commands.restoring import MAX_BATCH, Decided, Disturbed, NotEmpty, Restoring
from commands.sealing import Mapper
from commands.store import Condition, Entry, NewEvent, Store
from commands.subscription import Log
from tests.cast import ADA, GARDEN, GENERAL, GRACE, NOON


def opened(person: str = ADA) -> RoomOpened:
    return RoomOpened(actor=person, occurred_at=NOON, request_id="r", title="A room", visibility="public")


def posted(number: int, person: str = ADA) -> MessagePosted:
    return MessagePosted(
        actor=person, occurred_at=NOON, request_id="r", message_id=f"{number:032x}", message=f"{number}", handle="a"
    )


def told(count: int) -> list[Decided]:
    """Events of three rooms, mixed; messages are edited and reacted to soon after they were posted."""
    chance = random.Random(7)
    events: list[Decided] = [Decided(room, opened()) for room in (GENERAL, GARDEN, "attic")]
    for number in range(count):
        room = chance.choice((GENERAL, GARDEN, "attic"))
        event: Event = posted(number, chance.choice((ADA, GRACE)))
        events.append(Decided(room, event))
        message_id = f"{number:032x}"
        if chance.random() < 0.3:
            edited = MessageEdited(actor=ADA, occurred_at=NOON, request_id="r", message_id=message_id, message="new")
            events.append(Decided(room, edited))
        if chance.random() < 0.3:
            added = ReactionAdded(actor=GRACE, occurred_at=NOON, request_id="r", message_id=message_id, emoji="🫖")
            events.append(Decided(room, added))
    return events


async def test_events_keep_their_order_and_their_seqs(store: Store, mapper: Mapper, log: Log) -> None:
    events = told(MAX_BATCH)
    restoring = Restoring(store, mapper)
    await restoring.append(events)
    facts = await log.read_all(after=0, limit=5000)
    assert [(fact.recorded.stream, fact.event) for fact in facts] == [(each.stream, each.event) for each in events]
    assert restoring.events == len(facts)
    for room in (GENERAL, GARDEN, "attic"):
        seqs = [fact.recorded.seq for fact in facts if fact.recorded.stream == room]
        assert seqs == list(range(1, len(seqs) + 1))


async def test_days_stay_days_and_what_is_over_says_nothing_of_its_person(
    store: Store, mapper: Mapper, log: Log
) -> None:
    """grace's words of one day are over, hers of the next day are not; of another she was erased, whose day is not."""
    await Restoring(store, mapper).append(
        [
            Decided(GENERAL, opened()),
            Decided(GENERAL, posted(1, GRACE), erased=True, day="2026-11-20"),
            Decided(GENERAL, posted(2, GRACE), day="2026-11-22"),
            Decided(GENERAL, posted(3, "guest:gone"), erased=True, day="2026-11-22"),
            Decided(GENERAL, posted(4, "guest:gone"), erased=True),
        ]
    )
    facts = await log.read_all(after=0, limit=10)
    assert [fact.stub for fact in facts] == ["", "erased", "", "erased", "erased"]
    assert [json.loads(fact.recorded.state).get("day") for fact in facts] == [None, "over", "2026-11-22", "over", None]
    await mapper.keyring.destroy([day_key(GENERAL, "2026-11-22")])
    assert [fact.stub for fact in await log.read_all(after=0, limit=10)] == ["", *["erased"] * 4]
    assert mapper.keyring.holds(GRACE)
    with pytest.raises(Erased):
        await mapper.keyring.ensure("guest:gone")


async def test_who_was_erased_has_no_key_and_no_text(store: Store, mapper: Mapper, log: Log) -> None:
    await Restoring(store, mapper).append(
        [Decided(GENERAL, opened()), Decided(GENERAL, posted(1, GRACE), erased=True), Decided(GENERAL, posted(2))]
    )
    assert [fact.stub for fact in await log.read_all(after=0, limit=10)] == ["", "erased", ""]


async def test_a_store_with_anything_in_it_is_refused(store: Store, mapper: Mapper) -> None:
    await Restoring(store, mapper).append([Decided(GENERAL, opened())])
    with pytest.raises(NotEmpty):
        await Restoring(store, mapper).append([Decided(GARDEN, opened())])
    assert await store.head(GARDEN) == 0


async def test_who_writes_meanwhile_is_noticed(store: Store, mapper: Mapper) -> None:
    restoring = Restoring(store, mapper)
    await restoring.append([Decided(GARDEN, posted(1))])
    await store.append([Entry(GARDEN, [Condition("rules", 0)], [NewEvent("room.opened", "rules", b"{}")])])
    with pytest.raises(Disturbed):
        await restoring._commit([Entry(GARDEN, (), [NewEvent("room.opened", "rules", b"{}")])])


async def test_what_cannot_be_read_to_its_end_stops_with_what_came_before_it(store: Store, mapper: Mapper) -> None:
    restoring = Restoring(store, mapper)

    def broken() -> Iterator[Decided]:
        yield from told(MAX_BATCH)[:MAX_BATCH]
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        await restoring.append(broken())
    assert await store.last_position() == restoring.events == MAX_BATCH
