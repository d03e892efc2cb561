"""Slow readers: they leave live delivery, lose nothing, get nothing twice, and cost others nothing."""

import asyncio
import json

import pytest

from commands.amending import RedactMessage
from realtime import outlet
from realtime.classic import Classic
from realtime.conversation import Conversation
from realtime.hub import Hub
from realtime.session import Session
from tests.cast import ADA, GARDEN, GENERAL
from tests.realtime.mailbox import Mailbox
from tests.realtime.raw import Raw, raw
from tests.realtime.test_hub import arrived, listen, until
from tests.realtime.world import World


def live(world: World, room: str = GENERAL) -> int:
    """How many sockets the room's hub sends to."""
    return sum(map(len, world.hubs._hubs[room]._live.values()))


async def fall_behind(world: World, mailbox: Mailbox, room: str = GENERAL) -> None:
    """Let a socket that is live in this room alone be slow until it is not live any more."""
    mailbox.read_slowly()
    before = live(world, room)
    await world.say("one too many", room)
    await until(lambda: live(world, room) == before - 1)


def said(mailbox: Mailbox) -> list[int]:
    """The seqs that arrived in either dialect."""
    return [frame["seq"] for frame in mailbox.frames if frame.get("type", "event") == "event"]


@pytest.mark.parametrize("speak", [Conversation, Classic])
async def test_a_slow_reader_gets_everything_once_and_is_live_again(world: World, speak: type[Session]) -> None:
    await world.fill(2)
    slow, session = await listen(world, GENERAL, speak=speak)
    quick, _ = await listen(world, GENERAL)
    await fall_behind(world, slow)
    for n in range(20):
        await world.say(f"{n}")
    await until(lambda: arrived(quick) == list(range(3, 24)))
    assert said(slow) == [3]
    slow.read_all()
    await until(lambda: said(slow) == list(range(3, 24)))
    await until(lambda: live(world) == 2)
    await world.say("live again")
    await until(lambda: said(slow) == list(range(3, 25)))
    assert (slow.closed, session.ended) == (None, False)


async def test_more_than_a_page_is_caught_up_without_acknowledging(world: World) -> None:
    await world.fill(2)
    slow, _ = await listen(world, GENERAL)
    await fall_behind(world, slow)
    await world.fill(1000)
    slow.read_all()
    await until(lambda: said(slow) == list(range(3, 1004)))


async def test_who_falls_behind_again_and_again_still_loses_nothing(world: World) -> None:
    await world.fill(2)
    slow, _ = await listen(world, GENERAL)
    for _ in range(10):
        await fall_behind(world, slow)
        await world.say("meanwhile")
        slow.read_all()
        await until(lambda: live(world) == 1)
    await until(lambda: said(slow) == list(range(3, 23)))


async def test_a_socket_falls_behind_in_all_of_its_rooms(world: World) -> None:
    await world.fill(2, GENERAL)
    await world.fill(2, GARDEN)
    slow, _ = await listen(world, GENERAL, GARDEN)
    await fall_behind(world, slow)
    assert live(world, GARDEN) == 0
    await world.say("in the garden", GARDEN)
    slow.read_all()
    await until(lambda: sorted((frame["room"], frame["seq"]) for frame in slow.frames) == [(GARDEN, 3), (GENERAL, 3)])


async def test_what_was_redacted_meanwhile_comes_as_a_stub(world: World) -> None:
    await world.fill(2)
    slow, _ = await listen(world, GENERAL)
    await fall_behind(world, slow)
    receipt = await world.say("a secret")
    redact = RedactMessage(room=GENERAL, message_id=receipt.message_id or "")
    await world.handlers.handle(redact, world.caller(ADA))
    slow.read_all()
    await until(lambda: said(slow) == [3, 4, 5])
    assert (slow.frames[1]["stub"], slow.frames[1]["data"]) == ("redacted", {})


async def test_one_that_never_reads_again_is_told_to_resume(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "STALLED_S", 0.05)
    await world.fill(2)
    slow, session = await listen(world, GENERAL)
    await fall_behind(world, slow)
    await until(lambda: session.ended)
    assert slow.closed == 4008
    assert (slow.frames[-1]["type"], slow.frames[-1]["code"], slow.frames[-1]["reconnect"]) == (
        "disconnect",
        4008,
        True,
    )
    assert not world.hubs._hubs


async def test_a_backlog_that_nobody_reads_ends_the_same_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "STALLED_S", 0.05)
    await world.fill(2, GENERAL)
    await world.fill(100, GARDEN)
    slow, session = await listen(world, GENERAL)
    slow.read_slowly()
    await session.subscribe(GARDEN, 0, lambda _head, _after: None)
    await until(lambda: session.ended)
    assert slow.closed == 4008


async def test_very_much_at_once_is_let_out_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "take", lambda _hub, _fact: None)
    await world.say("hi")
    mailbox, _ = await listen(world, GENERAL)
    await asyncio.gather(*(world.say("x" * 10_000) for _ in range(50)))
    await until(lambda: arrived(mailbox) == list(range(3, 53)))
    assert mailbox.writes >= 4


async def test_several_backlogs_on_one_socket_take_turns(world: World) -> None:
    rooms = [f"room-{n}" for n in range(10)]
    for room in rooms:
        await asyncio.gather(*(world.say("x" * 9_000, room) for _ in range(20)))
    mailbox, session = await listen(world)
    mailbox.read_slowly()
    for room in rooms:
        await session.subscribe(room, 0, lambda _head, _after: None)
    assert not mailbox.frames
    mailbox.read_all()
    await until(lambda: len(mailbox.frames) == 10 * 22)
    for room in rooms:
        frames = [frame for frame in mailbox.frames if frame["room"] == room]
        assert [frame["seq"] for frame in frames] == [*range(1, 22), 21]


async def read_to(slow: Raw, seq: int) -> list[int]:
    """Read until this event came; the seqs of the events."""
    seqs: list[int] = []
    while seq not in seqs:
        _, payload = await slow.receive_frame()
        frame = json.loads(payload)
        seqs += [frame["seq"]] if frame["type"] == "event" else []
    return seqs


async def test_over_a_real_connection_what_is_unsent_is_bounded_and_nothing_is_lost(served: World) -> None:
    await served.say("hi")
    async with raw(served.port, receive_bytes=4096) as slow, served.connect() as client:
        await slow.shake_hands(f"/chat/{GENERAL}/")
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        hearing = asyncio.create_task(client.receive_events(1500))
        unsent = []
        for _ in range(15):
            await asyncio.gather(*(served.say("x" * 10_000) for _ in range(100)))
            unsent += [session.outlet._socket.buffered() for session in served.hubs.sessions]  # type: ignore[attr-defined]  # a session here
        assert [event["seq"] for event in await hearing] == list(range(3, 1503))
        assert live(served) == 1
        assert max(unsent) < outlet.MAX_UNSENT
        assert await read_to(slow, 1502) == list(range(3, 1503))
        await served.say("live again")
        await until(lambda: live(served) == 2)
        assert await read_to(slow, 1503) == [1503]
