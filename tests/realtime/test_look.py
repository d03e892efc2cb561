"""A shared look: never older than the question, one at a time, and nobody takes it from the others."""

import asyncio

import pytest

from realtime.look import Look


class Store:
    """Something to look at, which answers when it is told to."""

    def __init__(self) -> None:
        self.looks = 0
        self.at_once = 0
        self.fails = False
        self._answer = asyncio.Event()

    async def look(self) -> int:
        self.looks += 1
        self.at_once += 1
        assert self.at_once == 1
        number = self.looks
        await self._answer.wait()
        self.at_once -= 1
        if self.fails:
            raise OSError("the store is away")
        return number

    def answer(self) -> None:
        self._answer.set()


async def begun(store: Store, looks: int) -> None:
    async with asyncio.timeout(5):
        while store.looks < looks:
            await asyncio.sleep(0)


async def test_who_asks_while_a_look_is_under_way_shares_the_next_one() -> None:
    store = Store()
    look = Look(store.look)
    first = asyncio.create_task(look())
    await begun(store, 1)
    later = [asyncio.create_task(look()) for _ in range(100)]
    await asyncio.sleep(0)
    store.answer()
    assert await first == 1
    assert await asyncio.gather(*later) == [2] * 100
    assert await look() == 3


async def test_one_who_goes_away_does_not_take_it_from_the_others() -> None:
    store = Store()
    look = Look(store.look)
    impatient, patient = asyncio.create_task(look()), asyncio.create_task(look())
    await begun(store, 1)
    impatient.cancel()
    store.answer()
    assert await patient == 1


async def test_a_look_that_fails_fails_for_those_who_share_it_and_for_nobody_else() -> None:
    store = Store()
    store.fails = True
    look = Look(store.look)
    store.answer()
    assert all(isinstance(each, OSError) for each in await asyncio.gather(look(), look(), return_exceptions=True))
    store.fails = False
    store.at_once = 0
    assert await look() == 2
    store.fails = True
    with pytest.raises(OSError, match="away"):
        await look()
