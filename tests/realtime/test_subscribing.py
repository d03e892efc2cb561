"""Catch-up and live: every event after `after`, each once, none missing."""

import asyncio
from typing import Any

import pytest

from commands.subscription import StoreUnavailable
from tests.cast import GARDEN, GENERAL, GRACE
from tests.realtime.world import World


async def test_from_the_head_only_what_comes_is_heard(served: World) -> None:
    await served.fill(3)
    async with served.connect() as client:
        assert await client.subscribe(GENERAL) == {
            "type": "subscribed", "id": "ask", "room": GENERAL, "head": 3, "after": 3,
        }  # fmt: skip
        assert await client.receive() == {"type": "caught_up", "room": GENERAL, "seq": 3}
        receipt = await served.say("hi", client_msg_id="one")
        assert (event := await client.receive("event")) == {
            "type": "event", "room": GENERAL, "seq": 4, "position": receipt.position, "event": "message.posted",
            "subject": f"message:{receipt.message_id}", "actor": "guest:ada", "occurred_at": event["occurred_at"],
            "data": {
                "message_id": receipt.message_id, "message": "hi", "handle": "ada", "reply_to": None,
                "client_msg_id": "one",
            },
        }  # fmt: skip


async def test_a_backlog_comes_first_then_caught_up_then_what_comes(served: World) -> None:
    await served.fill(5)
    async with served.connect() as client:
        assert (await client.subscribe(GENERAL, after=2))["head"] == 5
        assert [event["seq"] for event in await client.receive_events(3)] == [3, 4, 5]
        assert (await client.receive("caught_up"))["seq"] == 5
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 6


async def test_a_room_of_20_000_events_comes_in_acknowledged_pages_and_goes_on_live(served: World) -> None:
    await served.fill(20_000)
    async with served.connect() as client:
        assert (await client.subscribe(GENERAL, after=0))["head"] == 20_000
        seqs: list[int] = []
        posts = None
        while (frame := await client.receive("event", "caught_up"))["type"] == "event":
            seqs.append(frame["seq"])
            if len(seqs) == 300:
                assert await client.is_silent()
                posts = asyncio.create_task(served.fill(1_000))
            if len(seqs) % 300 == 0:
                await client.send("ack", room=GENERAL, seq=seqs[-1])
        assert seqs == list(range(1, 20_001))
        assert frame["seq"] == 20_000
        assert posts
        await posts
        since: list[int] = []
        while len(since) < 1_000:
            since.append((await client.receive("event"))["seq"])
            if len(since) % 300 == 0:
                await client.send("ack", room=GENERAL, seq=since[-1])
        assert since == list(range(20_001, 21_001))
        await served.say("live")
        assert (await client.receive("event"))["seq"] == 21_001


async def test_a_page_waits_for_the_ack_of_the_one_before_and_a_smaller_one_is_ignored(served: World) -> None:
    await served.fill(700)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        await client.receive_events(300)
        assert await client.is_silent()
        for too_early in (0, 1, 299, 301, 700, 2**53 - 1):
            await client.send("ack", room=GENERAL, seq=too_early)
        assert await client.is_silent()
        await client.send("ack", room=GENERAL, seq=300)
        assert [event["seq"] for event in await client.receive_events(300)] == list(range(301, 601))
        assert await client.is_silent()
        await client.send("ack", room=GENERAL, seq=600)
        await client.receive_events(100)
        await client.receive("caught_up")


async def test_a_backlog_of_exactly_one_page_needs_no_ack(served: World) -> None:
    await served.fill(300)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        await client.receive_events(300)
        await client.receive("caught_up")
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 301


async def test_what_came_since_is_paged_too(served: World) -> None:
    await served.fill(301)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        await client.receive_events(300)
        await served.fill(350)
        await client.send("ack", room=GENERAL, seq=300)
        await client.receive_events(1)
        assert (await client.receive("caught_up"))["seq"] == 301
        assert [event["seq"] for event in await client.receive_events(300)] == list(range(302, 602))
        assert await client.is_silent()
        await client.send("ack", room=GENERAL, seq=601)
        assert [event["seq"] for event in await client.receive_events(50)] == list(range(602, 652))
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 652


async def test_large_messages_are_sent_as_the_client_takes_them(served: World) -> None:
    await asyncio.gather(*(served.say("é" * 10_000) for _ in range(299)))
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        assert [event["seq"] for event in await client.receive_events(300)] == list(range(1, 301))
        await client.receive("caught_up")


async def test_after_beyond_the_head_is_refused_and_an_older_subscription_stays(served: World) -> None:
    await served.fill(2)
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        assert await client.refusal("subscribe", room=GENERAL, after=3) == "after_beyond_head"
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 3


async def test_subscribing_again_starts_again(served: World) -> None:
    await served.fill(400)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        await client.receive_events(300)
        assert (await client.subscribe(GENERAL, after=398))["after"] == 398
        assert [event["seq"] for event in await client.receive_events(2)] == [399, 400]
        await client.receive("caught_up")
        assert await client.is_silent()
        await client.subscribe(GENERAL, after=399)
        assert (await client.receive("event"))["seq"] == 400
        await client.receive("caught_up")
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 401
        assert await client.is_silent()


async def test_after_unsubscribing_nothing_comes_even_while_catching_up(served: World) -> None:
    await served.fill(700)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        await client.receive_events(300)
        assert await client.ask("unsubscribe", room=GENERAL) == {"type": "unsubscribed", "id": "ask", "room": GENERAL}
        await client.send("ack", room=GENERAL, seq=300)
        await served.say("hi")
        assert await client.is_silent()
        assert (await client.ask("unsubscribe", room=GARDEN))["type"] == "unsubscribed"


async def test_subscribing_to_a_room_that_does_not_exist_opens_it(served: World) -> None:
    async with served.connect(token=served.token(GRACE)) as client:
        assert (await client.subscribe(GARDEN))["head"] == 1
        await client.subscribe(GARDEN, after=0)
        while (event := await client.receive())["type"] != "event":
            pass
        assert (event["event"], event["actor"], event["data"]) == (
            "room.opened", GRACE, {"title": GARDEN, "visibility": "public"},
        )  # fmt: skip


async def test_the_address_of_a_room_subscribes_by_itself(served: World) -> None:
    await served.fill(2)
    async with served.connect(f"/chat/{GENERAL}/") as client:
        assert await client.receive() == {"type": "subscribed", "room": GENERAL, "head": 2, "after": 2}
        assert await client.receive() == {"type": "caught_up", "room": GENERAL, "seq": 2}
        await served.say("hi")
        assert (await client.receive("event"))["seq"] == 3


async def test_rooms_do_not_mix(served: World) -> None:
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await client.subscribe(GARDEN)
        for n in range(3):
            await served.say(f"{n}", GENERAL)
            await served.say(f"{n}", GARDEN)
        events: list[dict[str, Any]] = []
        while len(events) < 6:
            events += [frame] if (frame := await client.receive("event", "caught_up"))["type"] == "event" else []
        for room in (GENERAL, GARDEN):
            assert [event["seq"] for event in events if event["room"] == room] == [2, 3, 4]


async def test_a_hub_goes_away_with_its_last_socket(served: World) -> None:
    async with served.connect() as first, served.connect() as second:
        await first.subscribe(GENERAL)
        await second.subscribe(GENERAL)
        await first.ask("unsubscribe", room=GENERAL)
        assert list(served.hubs._hubs) == [GENERAL]
    async with asyncio.timeout(5):
        while served.hubs._hubs or served.hubs.sessions:
            await asyncio.sleep(0.01)


async def test_while_the_store_is_away_catching_up_waits(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await served.fill(5)
    read = served.log.read_room
    failures = iter([True, True])

    async def flaky(room: str, **where: Any) -> object:
        if next(failures, False):
            raise StoreUnavailable
        return await read(room, **where)

    monkeypatch.setattr(served.log, "read_room", flaky)
    async with served.connect() as client:
        await client.subscribe(GENERAL, after=0)
        assert [event["seq"] for event in await client.receive_events(5)] == [1, 2, 3, 4, 5]
