"""What every event store does, whatever database it is on."""

import asyncio
from collections.abc import Callable

import pytest
from eventsourcing.persistence import ApplicationRecorder

from commands.store import Condition, Conflict, Entry, NewEvent, Store, StoreUnavailable
from tests.commands.conftest import OpenStore
from tests.commands.entries import (
    accepted,
    change,
    check_whole,
    event,
    everything,
    is_conflict,
    message,
    numbers,
    seqs,
)


async def test_an_empty_store_has_nothing(store: Store) -> None:
    assert await store.append([]) == []
    assert await store.head("general") == 0
    assert await store.last_position() == 0
    assert await store.read_stream("general") == []
    assert await store.read_all(after=0) == []
    assert await store.tail(after=0) == []
    assert await store.read_subjects("general", ["rules"]) == []


async def test_every_room_counts_from_one_without_a_gap(store: Store) -> None:
    first = await store.append([message(), message(room="garden"), message(), message()])
    second = await store.append([message(room="garden"), message()])
    assert (seqs(first), seqs(second)) == ([1, 1, 2, 3], [2, 4])
    assert (await store.head("general"), await store.head("garden")) == (4, 2)


async def test_the_order_of_a_batch_is_the_order_of_positions(store: Store) -> None:
    batch = [message(room=f"room{i % 7}") for i in range(50)]
    positions = [number.position for number in numbers(await store.append(batch))]
    assert positions == sorted(set(positions))
    assert [row.state for row in await store.read_all(after=0)] == [entry.events[0].state for entry in batch]
    assert await store.last_position() == positions[-1]


async def test_a_refused_entry_takes_no_other_with_it(store: Store) -> None:
    await store.append([message("one")])
    outcomes = await store.append([message("two"), message("one"), message("three")])
    assert [is_conflict(outcome) for outcome in outcomes] == [False, True, False]
    assert seqs([outcomes[0], outcomes[2]]) == [2, 3]
    check_whole(await everything(store))


async def test_a_condition_holds_until_its_subject_changes(store: Store) -> None:
    [opened] = await store.append([change("rules", 0)])
    unchanged, not_banned = Condition("rules", accepted(opened)[0].seq), Condition("member:guest:ada", 0)
    assert seqs(await store.append([message(rests_on=[unchanged, not_banned])])) == [2]
    await store.append([change("member:guest:ada", 0)])
    assert await store.append([message(rests_on=[unchanged, not_banned])]) == [Conflict()]
    assert seqs(await store.append([message(rests_on=[unchanged])])) == [4]


async def test_the_same_subject_in_another_room_is_another_subject(store: Store) -> None:
    await store.append([change("rules", 0)])
    assert seqs(await store.append([change("rules", 0, room="garden")])) == [1]


async def test_entries_of_a_batch_are_checked_against_what_was_recorded_before_it(store: Store) -> None:
    outcomes = await store.append([message("one", rests_on=[Condition("rules", 0)]), change("rules", 0)])
    assert seqs(outcomes) == [1, 2]


async def test_an_entry_of_several_events_is_recorded_whole_or_not_at_all(store: Store) -> None:
    opening = Entry("general", [Condition("rules", 0), Condition("message:a", 0)], [event("rules"), event("message:a")])
    assert seqs(await store.append([opening])) == [1, 2]
    half_new = Entry(
        "general", [Condition("message:b", 0), Condition("message:a", 0)], [event("message:b"), event("message:a")]
    )
    assert await store.append([half_new]) == [Conflict()]
    assert await store.read_subjects("general", ["message:b"]) == []


async def test_an_entry_without_events_only_asks(store: Store) -> None:
    await store.append([change("rules", 0)])
    asking = [Entry("general", [Condition("rules", after)], []) for after in (1, 0)]
    assert await store.append(asking) == [[], Conflict()]


async def test_several_appenders_never_collide_and_leave_no_gap(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]

    async def append(store: Store) -> None:
        for i in range(15):
            numbers(await store.append([message(room=f"room{(i + j) % 3}") for j in range(8)]))

    await asyncio.gather(*map(append, stores))
    recorded = await everything(stores[0])
    assert len(recorded) == 3 * 15 * 8
    check_whole(recorded)


async def test_of_those_who_append_the_same_message_at_once_one_succeeds(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(3)]
    for i in range(10):
        outcomes = await asyncio.gather(*(store.append([message(f"m{i}")]) for store in stores))
        assert sorted(is_conflict(outcome) for [outcome] in outcomes) == [False, True, True]


async def test_a_follower_misses_nothing_while_four_append(open_store: OpenStore) -> None:
    stores = [await open_store() for _ in range(4)]
    follower = await open_store()

    async def append(store: Store, room: str) -> None:
        for i in range(25):
            await store.append([message(room=room), message(), message(f"all-want-{i}")])

    appending = asyncio.gather(*(append(store, f"room{no}") for no, store in enumerate(stores)))
    followed = await everything(follower)
    while not appending.done():
        after = followed[-1].position if followed else 0
        await follower.wait(after=after, timeout_s=0.05)
        followed += await follower.read_all(after=after)
    followed += await follower.read_all(after=followed[-1].position)
    assert followed == await everything(follower)
    assert len(followed) == 4 * 25 * 2 + 25
    check_whole(followed)


async def test_a_room_is_read_from_both_ends(store: Store) -> None:
    await store.append([message() for _ in range(10)])
    await store.append([message(room="garden")])

    async def read(**how: int | bool | None) -> list[int]:
        return [row.seq for row in await store.read_stream("general", **how)]  # type: ignore[arg-type] # keywords

    assert await read() == list(range(1, 11))
    assert await read(after=3, upto=6) == [4, 5, 6]
    assert await read(after=3, limit=2) == [4, 5]
    assert await read(backwards=True, limit=3) == [10, 9, 8]
    assert await read(backwards=True, after=2, upto=5) == [5, 4, 3]
    assert await read(after=10) == []
    assert await read(after=2**40, upto=2**41) == []
    assert await read(after=2, upto=2**62) == list(range(3, 11))


async def test_the_whole_store_is_read_by_position(store: Store) -> None:
    batch = [message(room=room) for room in ("general", "garden", "general")]
    places = numbers(await store.append(batch))
    rows = await store.read_all(after=0)
    assert [(row.position, row.stream, row.seq, row.topic, row.subject, row.state) for row in rows] == [
        (place.position, entry.stream, place.seq, *entry.events[0]) for place, entry in zip(places, batch, strict=True)
    ]
    assert await store.read_all(after=places[0].position, limit=1) == rows[1:2]


async def test_the_tail_says_how_far_every_room_came(store: Store) -> None:
    rooms = ("general", "garden", "general", "kitchen", "general")
    places = [place.position for place in numbers(await store.append([message(room=room) for room in rooms]))]
    assert [tuple(mark) for mark in await store.tail(after=0)] == [
        (places[1], "garden", 1),
        (places[3], "kitchen", 1),
        (places[4], "general", 3),
    ]
    assert [tuple(mark) for mark in await store.tail(after=places[1], limit=2)] == [
        (places[2], "general", 2),
        (places[3], "kitchen", 1),
    ]
    assert await store.tail(after=places[4]) == []


async def test_subjects_are_read_alone_and_in_order(store: Store) -> None:
    await store.append([change("rules", 0), message("a"), message("b"), change("rules", 0, room="garden")])
    await store.append([change("message:a", 2), change("rules", 1)])
    rows = await store.read_subjects("general", ["message:a", "rules", "message:none"])
    assert [(row.seq, row.subject) for row in rows] == [(1, "rules"), (2, "message:a"), (4, "message:a"), (5, "rules")]
    assert await store.read_subjects("general", []) == []


async def test_of_some_subjects_only_the_ends_are_read(store: Store) -> None:
    await store.append([change("rules", 0), message("a"), message("b"), message("a", room="garden")])
    for seq in (2, 4, 5):
        await store.append([change("message:a", seq)])
    ends_of = ["message:a", "message:b", "message:none"]
    rows = await store.read_subjects("general", ["rules"], ends_of=ends_of)
    assert rows == [row for row in await store.read_stream("general") if row.seq in (1, 2, 3, 6)]
    assert rows[1:] == await store.read_subjects("general", [], ends_of=ends_of)
    assert await store.read_subjects("nowhere", ["rules"], ends_of=ends_of) == []


async def test_what_is_about_a_subject_is_read_in_parts(store: Store) -> None:
    await store.append([message("a"), message("b"), message("a", room="garden")])
    for seq in (1, 3, 4):
        await store.append([change("message:a", seq)])

    async def read(**how: int) -> list[int]:
        return [row.seq for row in await store.read_about("general", "message:a", **how)]

    assert await read() == [1, 3, 4, 5]
    assert await read(limit=2) == [1, 3]
    assert await read(after=3, limit=9) == [4, 5]
    assert await read(after=2**53) == []
    assert await store.read_about("general", "message:none") == await store.read_about("nowhere", "message:a") == []


async def test_the_last_topic_of_each_subject_is_found(store: Store) -> None:
    edited = NewEvent("edited '\\ %", "message:a", b"{}")
    await store.append([message("a"), message("b"), message("a", room="garden")])
    await store.append([Entry("general", [Condition("message:a", 1)], [edited])])
    [first] = [row for row in await store.read_stream("general") if row.subject == "message:b"]
    wanted = ["message:a", "message:b", "message:none", "message:'\"\\"]
    assert await store.last_topics("general", wanted) == {"message:a": "edited '\\ %", "message:b": first.topic}
    assert await store.last_topics("nowhere", wanted) == await store.last_topics("general", []) == {}


async def test_the_last_event_about_a_subject_up_to_a_seq_is_found(store: Store) -> None:
    await store.append([message("a"), message("b"), message("a", room="garden")])
    await store.append([change("message:a", 1)])
    wanted = ["message:a", "message:b", "message:none"]

    async def found(upto: int) -> list[tuple[str, int]]:
        return sorted((row.subject, row.seq) for row in await store.read_last("general", wanted, upto=upto))

    assert await found(1) == [("message:a", 1)]
    assert await found(2) == [("message:a", 1), ("message:b", 2)]
    assert await found(9) == [("message:a", 3), ("message:b", 2)]
    assert await store.read_last("general", [], upto=9) == await store.read_last("nowhere", wanted, upto=9) == []


@pytest.mark.parametrize(
    "text", ["naïve", "你好", "مرحبا", "👩‍👩‍👧‍👦", "e\u0301 ≠ \u00e9", "\u202e\ufeff\uffff", "'; \\ % %s $1 {} \n\t"]
)
async def test_text_is_kept_as_it_is(store: Store, text: str) -> None:
    subject, state = f"message:{text}", text.encode() + bytes(range(256))
    entry = Entry(text, [Condition(subject, 0)], [NewEvent(text, subject, state)])
    assert seqs(await store.append([entry])) == [1]
    assert await store.append([entry]) == [Conflict()]
    assert await store.append([entry], resolve=True) == [[(1, 1)]]
    for [row] in (await store.read_stream(text), await store.read_subjects(text, [subject])):
        assert row[1:] == (text, 1, text, subject, state)


async def test_a_large_batch_of_large_events(store: Store) -> None:
    batch = [Entry("general", [], [NewEvent("t", f"s{i}", bytes([i]) * 60_000)]) for i in range(256)]
    assert seqs(await store.append(batch)) == list(range(1, 257))
    assert [len(row.state) for row in await store.read_stream("general")] == [60_000] * 256


async def test_waiting_ends_when_something_was_appended(store: Store) -> None:
    async with asyncio.timeout(5):
        waiting = asyncio.create_task(store.wait(after=0, timeout_s=60))
        [number] = numbers(await store.append([message()]))
        await waiting
        await store.wait(after=number.position - 1, timeout_s=60)


async def test_waiting_ends_when_the_time_is_over(store: Store) -> None:
    async with asyncio.timeout(5):
        await store.wait(after=0, timeout_s=0.01)


async def test_what_was_appended_outlives_the_store(open_store: OpenStore) -> None:
    store = await open_store()
    await store.append([message(), message()])
    before = await everything(store)
    await store.close()
    again = await open_store()
    assert await everything(again) == before
    assert seqs(await again.append([message()])) == [3]


async def test_a_closed_store_says_so(open_store: OpenStore) -> None:
    store = await open_store()
    await store.close()
    for asking in (store.append([message()]), store.read_all(after=0), store.head("general")):
        with pytest.raises(StoreUnavailable):
            await asking


async def test_several_may_create_the_store_at_once(make_store: Callable[[], Store]) -> None:
    stores = [make_store() for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    assert seqs([*await stores[0].append([message()]), *await stores[1].append([message()])]) == [1, 2]
    for store in stores:
        await store.close()


async def test_tools_of_the_library_read_and_write_it(store: Store) -> None:
    assert isinstance(store, ApplicationRecorder)
    await store.append([message(), message(room="garden")])
    notifications = await asyncio.to_thread(store.select_notifications, 1, 10)
    events = await asyncio.to_thread(store.select_events, "general")
    assert [(note.originator_id, note.originator_version) for note in notifications] == [("general", 1), ("garden", 1)]
    copied = [type(events[0])("general", 2, "other.tool", b"{}")]
    await asyncio.to_thread(store.insert_events, copied)
    assert seqs(await store.append([message()])) == [3]
    assert [row.subject for row in await store.read_stream("general", after=1, upto=2)] == [""]
