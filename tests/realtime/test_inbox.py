"""An inbox and a valve behave as the parts of asyncio that they stand for."""

import asyncio

import pytest

from realtime.inbox import Inbox, Valve


async def test_messages_come_in_order_before_and_after_somebody_waits() -> None:
    inbox = Inbox()
    inbox.put_nowait(1)
    inbox.put_nowait(2)
    assert (await inbox.get(), inbox.qsize(), await inbox.get(), inbox.empty()) == (1, 1, 2, True)
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put_nowait(3)
    inbox.put_nowait(4)
    assert (await waiting, await inbox.get()) == (3, 4)


async def test_a_reader_that_gives_up_takes_no_message_with_it() -> None:
    inbox = Inbox()
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    waiting.cancel()
    inbox.put_nowait(1)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await inbox.get() == 1


async def test_a_valve_lets_everybody_through_when_it_opens() -> None:
    valve = Valve()
    await valve.wait()
    valve.clear()
    waiting = [asyncio.create_task(valve.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    valve.clear()
    waiting[0].cancel()
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting[1:])
    valve.set()
    await asyncio.gather(*waiting[1:])
    await valve.wait()


async def test_a_valve_that_is_shut_again_at_once_holds_whoever_waits() -> None:
    valve = Valve()
    valve.clear()
    waiting = asyncio.create_task(valve.wait())
    await asyncio.sleep(0)
    valve.set()
    valve.clear()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    valve.set()
    await waiting
