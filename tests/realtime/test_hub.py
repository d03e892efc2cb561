"""The hub: strictly by seq, healed from the store, encoded once, one write a turn, and nobody harmed by another."""

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest

from commands.identity import Identity
from commands.store import Recorded
from commands.subscription import Fact, Log, StoreUnavailable
from realtime import encoding, hub, hubs
from realtime.classic import Classic
from realtime.conversation import Conversation
from realtime.encoding import Dialect
from realtime.outlet import Outlet
from realtime.session import Session, Visitor
from tests.cast import GARDEN, GENERAL
from tests.realtime.mailbox import Mailbox
from tests.realtime.world import World

SOON_S = 20.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not condition():
            await asyncio.sleep(0.001)


async def listen(
    world: World, *rooms: str, speak: type[Session] = Conversation, after: int | None = None
) -> tuple[Mailbox, Session]:
    """A listener that is live in these rooms, its mailbox emptied."""
    mailbox = Mailbox()
    visitor = Visitor(Identity(person="guest:grace", handle="grace"), None, "", "")
    session = speak(visitor, Outlet(mailbox, world.hubs.turn), world.handlers, world.hubs)
    for room in rooms:
        await session.subscribe(room, after, lambda _head, _after: None)
    await until(lambda: all(subscription._live for subscription in session._subscriptions.values()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    mailbox.frames.clear()
    mailbox.writes = 0
    return mailbox, session


def arrived(mailbox: Mailbox) -> list[int]:
    return [frame["seq"] for frame in mailbox.frames if frame.get("type") == "event"]


async def recorded(world: World, count: int, room: str = GENERAL) -> Sequence[Recorded]:
    """Make events that this node's bus does not carry, as their rows."""
    head = await world.log.head(room)
    world.deaf = True
    await world.fill(count, room)
    return await world.store.read_stream(room, after=head)


async def test_events_due_together_leave_in_one_write_also_from_several_rooms(world: World) -> None:
    await world.fill(2, GENERAL)
    await world.fill(2, GARDEN)
    mailbox, _ = await listen(world, GENERAL, GARDEN)
    rows = [*await recorded(world, 50, GENERAL), *await recorded(world, 50, GARDEN)]
    world.bus.publish(rows)
    await until(lambda: len(mailbox.frames) == 100)
    assert mailbox.writes == 1


async def test_an_event_and_the_acknowledgement_of_its_post_leave_in_one_write(world: World) -> None:
    await world.fill(2)
    mailbox, session = await listen(world, GENERAL)
    await session.receive('{"type":"post","room":"general","message":"hi"}')
    await until(lambda: len(mailbox.frames) == 2)
    assert mailbox.writes == 1


async def test_an_event_is_encoded_once_for_each_dialect(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[tuple[str, int]] = []

    def counting(dialect: Dialect) -> Dialect:
        def encode(fact: Fact) -> bytes:
            encoded.append((dialect.name, fact.recorded.seq))
            return dialect.event(fact)

        return dialect._replace(event=encode)

    for speak in (Conversation, Classic):
        monkeypatch.setattr(speak, "dialect", counting(speak.dialect))
    await world.fill(2)
    mailboxes = [(await listen(world, GENERAL, speak=speak))[0] for speak in (Conversation, Classic) for _ in range(5)]
    encoded.clear()
    await world.say("hi")
    await until(lambda: all(len(mailbox.frames) == 1 for mailbox in mailboxes))
    assert sorted(encoded) == [("classic", 3), ("verbatim.v1", 3)]


async def test_doubled_and_swapped_hints_are_put_in_order(world: World) -> None:
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    third, fourth, fifth = await recorded(world, 3)
    for rows in ([fifth], [fourth, fourth], [third], [third, fifth]):
        world.bus.publish(rows)
    await until(lambda: len(mailbox.frames) == 3)
    assert arrived(mailbox) == [3, 4, 5]


async def test_a_missing_event_is_read_from_the_store_within_milliseconds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "WATCH_S", 60)
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    *_, last = await recorded(world, 1000)
    began = time.monotonic()
    world.bus.publish([last])
    await until(lambda: len(mailbox.frames) == 1000)
    assert time.monotonic() - began < 2
    assert arrived(mailbox) == list(range(3, 1003))


async def test_gaps_that_close_by_themselves_are_not_read_however_many_follow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "WATCH_S", 60)
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    events = await recorded(world, 40)
    for first, second in zip(events[::2], events[1::2], strict=True):
        world.bus.publish([second])
        await asyncio.sleep(hub.GAP_S / 4)
        world.bus.publish([first])
    await until(lambda: arrived(mailbox) == list(range(3, 43)))
    assert world.hubs.tally.heals.total() == 0


async def test_an_event_whose_hint_was_lost_is_found_in_the_logs_tail(world: World) -> None:
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    await recorded(world, 1)
    began = time.monotonic()
    await until(lambda: arrived(mailbox) == [3])
    assert time.monotonic() - began < 2 * hubs.WATCH_S


async def test_hints_of_events_that_are_not_in_the_store_stop_nothing_and_are_forgotten(world: World) -> None:
    await world.fill(2)
    mailbox, session = await listen(world, GENERAL)
    world.bus.publish([Recorded(9, GENERAL, 2**40 + n, "message.posted", "message:x", b"{}") for n in range(2000)])
    room = world.hubs._hubs[GENERAL]
    assert len(room._ahead) <= hub.MAX_AHEAD
    await until(lambda: not room._ahead and room._healing is None)
    await world.say("hi")
    await until(lambda: arrived(mailbox) == [3])
    session.leave()


async def test_what_comes_too_early_is_bounded_and_read_from_the_store(world: World) -> None:
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    first, *rest = await recorded(world, 3 * hub.MAX_AHEAD)
    for row in rest:
        world.bus.publish([row])
        assert len(world.hubs._hubs[GENERAL]._ahead) <= hub.MAX_AHEAD + hub.READ
    world.bus.publish([first])
    await until(lambda: len(mailbox.frames) == 3 * hub.MAX_AHEAD)
    assert arrived(mailbox) == list(range(3, 3 + 3 * hub.MAX_AHEAD))


async def test_a_store_that_is_away_is_read_when_it_is_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "WATCH_S", 0.02)
    await world.fill(2)
    mailbox, _ = await listen(world, GENERAL)
    await recorded(world, 3)

    tries: list[object] = []

    async def away(*what: object, **where: object) -> None:
        tries.append((what, where))
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        for read in ("read_room", "tail"):
            patch.setattr(Log, read, away)
        await until(lambda: len(tries) == 5)
        assert not mailbox.frames
    await until(lambda: arrived(mailbox) == [3, 4, 5])


async def test_a_broken_transport_harms_neither_the_others_nor_the_sender(world: World) -> None:
    await world.fill(2)
    sockets = [(await listen(world, GENERAL))[0] for _ in range(10)]
    for mailbox in sockets[::2]:
        mailbox.broken = True
    await world.say("hi")
    await world.say("ho")
    await until(lambda: all(arrived(mailbox) == [3, 4] for mailbox in sockets[1::2]))
    assert not any(mailbox.frames for mailbox in sockets[::2])


async def test_a_slow_socket_is_told_to_resume_and_left_out(world: World) -> None:
    await world.fill(2)
    slow, session = await listen(world, GENERAL)
    quick, _ = await listen(world, GENERAL)
    slow.reads = False
    await world.say("hi")
    await until(lambda: arrived(quick) == [3])
    assert (slow.closed, session.ended) == (4008, True)
    goodbye = slow.frames[-1]
    assert (goodbye["type"], goodbye["code"], goodbye["reconnect"]) == ("disconnect", 4008, True)
    await world.say("ho")
    await until(lambda: arrived(quick) == [3, 4])


async def test_when_the_node_stops_every_socket_is_sent_away(world: World) -> None:
    await world.fill(2)
    mailbox, session = await listen(world, GENERAL)
    world.hubs.sessions.add(session)
    world.hubs.say_goodbye()
    assert mailbox.closed == 1001
    assert mailbox.frames[-1]["code"] == 1001


@pytest.mark.parametrize(("stub", "shown"), [("erased", "erased"), ("redacted", "redacted"), ("broken", "hidden")])
async def test_what_readers_may_not_see_keeps_its_place(world: World, stub: str, shown: str) -> None:
    receipt = await world.say("hi")
    _, fact = await world.log.read_room(GENERAL, after=0)
    hidden = fact._replace(stub=stub, event=None if stub == "broken" else fact.event)  # type: ignore[arg-type]
    mailbox = Mailbox()
    mailbox.write(encoding.event(hidden))
    (event,) = mailbox.frames
    assert (event["stub"], event["data"], event["seq"]) == (shown, {}, 2)
    assert event["subject"] == f"message:{receipt.message_id}"
    assert encoding.message(hidden) == b""
