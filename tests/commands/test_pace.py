"""Rate limits and slow mode: who is too fast waits, and nobody waits for what was never recorded."""

import asyncio

import pytest

from commands import handlers as door
from commands.errors import RateLimited, SlowMode, Unavailable
from commands.handlers import Handlers
from commands.limits import Rate
from commands.rules import ChangeRoom, OpenRoom
from commands.sealing import Mapper
from commands.store import Store
from commands.writer import Writer
from tests.commands.callers import ADA, GRACE, say


@pytest.fixture
def handlers(store: Store, mapper: Mapper, writer: Writer, monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """Handlers with limits, whose buckets fill too slowly for a test to see."""
    monkeypatch.setattr(door, "POSTS", Rate(per_s=0.01, burst=20))
    return Handlers(store, mapper, writer)


async def test_who_is_too_fast_waits_but_retries_are_answered(handlers: Handlers) -> None:
    await asyncio.gather(*(handlers.handle(say("hi", f"id-{i}"), ADA) for i in range(20)))
    with pytest.raises(RateLimited) as refused:
        await handlers.handle(say("hi", "one too many"), ADA)
    assert refused.value.retry_after_ms
    assert (await handlers.handle(say("hi", "id-0"), ADA)).duplicate
    assert not (await handlers.handle(say("hi", "from somebody else"), GRACE)).duplicate


async def test_slow_mode_holds_everybody_but_the_owner(handlers: Handlers) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    await handlers.handle(ChangeRoom(room="general", slow_mode_s=60), ADA)
    await handlers.handle(say("first", "one"), GRACE)
    with pytest.raises(SlowMode) as refused:
        await handlers.handle(say("second"), GRACE)
    assert refused.value.retry_after_ms is not None and refused.value.retry_after_ms > 50_000
    assert (await handlers.handle(say("first", "one"), GRACE)).duplicate
    for text in ("an owner", "may go on"):
        await handlers.handle(say(text), ADA)


@pytest.mark.parametrize("client_msg_id", ["one", None])
async def test_slow_mode_does_not_hold_whose_message_was_not_recorded(
    handlers: Handlers, writer: Writer, client_msg_id: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    await handlers.handle(ChangeRoom(room="general", slow_mode_s=60), ADA)

    async def fails(*_: object) -> None:
        raise RuntimeError("nothing was recorded")

    with monkeypatch.context() as trouble:
        trouble.setattr(writer, "_append", fails)
        with pytest.raises(Unavailable):
            await handlers.handle(say("hi", client_msg_id), GRACE)
        with pytest.raises(Unavailable):
            await handlers.handle(say("hi", client_msg_id), GRACE)
    async with asyncio.timeout(5):
        while writer._away:
            await asyncio.sleep(0.01)
    await handlers.handle(say("hi", client_msg_id), GRACE)
    with pytest.raises(SlowMode):
        await handlers.handle(say("ho"), GRACE)


async def test_slow_mode_does_not_refuse_a_message_that_is_sent_again_while_it_is_on_its_way(
    handlers: Handlers,
) -> None:
    await handlers.handle(OpenRoom(room="general"), ADA)
    await handlers.handle(ChangeRoom(room="general", slow_mode_s=60), ADA)
    sends = [await handlers.accept(say("hi", "one"), GRACE) for _ in range(3)]
    assert [receipt.duplicate for receipt in await asyncio.gather(*sends)] == [False, True, True]
