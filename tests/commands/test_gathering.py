"""What many ask at once is loaded together, never older than the question; nobody suffers from another's trouble."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from commands import gathering
from commands.errors import Refusal, Unavailable
from commands.gathering import Gathering
from commands.member import Membership
from commands.states import State
from tests.cast import GARDEN, GENERAL


class Store:
    """States that are looked at: each look is noted, and takes until it is allowed."""

    def __init__(self) -> None:
        self.looks: list[tuple[str, set[str]]] = []
        self.unreadable: set[str] = set()
        self.most_at_once = 0
        self._at_once = 0

    async def load(self, room: str, subjects: Sequence[str]) -> Mapping[str, State]:
        self.looks.append((room, set(subjects)))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(0)
        self._at_once -= 1
        if self.unreadable & set(subjects):
            raise Unavailable
        return {subject: Membership(seq=len(self.looks)) for subject in subjects}


def gather(store: Store) -> Gathering:
    return Gathering(store)  # type: ignore[arg-type]  # what it needs of States


async def test_those_who_ask_at_once_share_a_look_and_those_who_come_later_the_next() -> None:
    store = Store()
    gathered = gather(store)
    first = asyncio.create_task(gathered.load(GENERAL, "member:0"))
    while not store.looks:
        await asyncio.sleep(0)
    rest = await asyncio.gather(*(gathered.load(GENERAL, f"member:{n}") for n in range(1, 1000)))
    assert (await first).seq == 1
    assert {state.seq for state in rest} == {2}
    assert store.looks == [(GENERAL, {"member:0"}), (GENERAL, {f"member:{n}" for n in range(1, 1000)})]


async def test_looks_are_bounded_however_many_rooms_are_asked_for() -> None:
    store = Store()
    gathered = gather(store)
    await asyncio.gather(*(gathered.load(f"room-{n}", "rules") for n in range(100)))
    assert store.most_at_once == gathering.AT_ONCE
    assert (gathered._now, gathered._next) == ({}, {})


async def test_what_cannot_be_read_is_unavailable_to_those_who_asked_for_it_alone() -> None:
    store = Store()
    store.unreadable = {"member:ada"}
    gathered = gather(store)
    asked = [gathered.load(GENERAL, "member:ada"), gathered.load(GENERAL, "member:grace")]
    ada, grace = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(ada, Refusal)
    assert isinstance(grace, Membership)


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    store = Store()
    gathered = gather(store)
    impatient = asyncio.create_task(gathered.load(GENERAL, "member:ada"))
    patient = asyncio.create_task(gathered.load(GENERAL, "member:grace"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).seq == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert (await gathered.load(GARDEN, "rules")).seq == 2
