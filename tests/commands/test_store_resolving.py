"""Resolving: after a call whose outcome is unknown, every store says what became of its entries."""

from commands.store import Condition, Conflict, Entry, Store
from tests.commands.entries import change, event, everything, message, seqs


async def test_resolving_finds_what_was_recorded_and_records_it_no_second_time(store: Store) -> None:
    lost = [message(), Entry("garden", [Condition("rules", 0)], [event("rules"), event("rules")]), message()]
    first = await store.append(lost)
    await store.append([message(), change("rules", 2, room="garden")])
    assert await store.append(lost, resolve=True) == first
    assert len(await everything(store)) == 6


async def test_resolving_records_what_was_not_recorded(store: Store) -> None:
    recorded, fresh = message("one"), message("two")
    await store.append([recorded])
    assert seqs(await store.append([fresh, recorded], resolve=True)) == [2, 1]


async def test_resolving_refuses_what_somebody_else_recorded(store: Store) -> None:
    await store.append([message("one")])
    assert await store.append([message("one"), message("two")], resolve=True) == [Conflict(), [(2, 2)]]


async def test_resolving_an_entry_of_which_only_a_part_is_there_refuses_it(store: Store) -> None:
    [theirs] = (await store_one(store)).events
    both = Entry("general", [Condition("rules", 0), Condition(theirs.subject, 0)], [theirs, event("rules")])
    assert await store.append([both], resolve=True) == [Conflict()]


async def store_one(store: Store) -> Entry:
    entry = message()
    await store.append([entry])
    return entry
