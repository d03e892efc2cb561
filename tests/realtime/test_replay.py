"""Replays over a socket."""

import asyncio
from typing import Any

import pytest

from commands.amending import RedactMessage
from commands.clock import rfc3339
from commands.member import Ban
from commands.rules import OpenRoom
from tests.cast import ADA, GARDEN, GENERAL, GRACE, NOON
from tests.realtime.client import Client
from tests.realtime.world import World

FAST = {"speed": 1000, "max_gap_ms": 0}
FOR_EVER = {"max_gap_ms": 3_600_000}


async def play(client: Client, **how: Any) -> list[int]:
    """The seqs of a replay until its end."""
    reply = await client.ask("replay", room=GENERAL, **({"from": 1} | FAST | how))
    assert reply["type"] == "replaying", reply
    seqs = []
    while (frame := await client.receive("event", "replaying"))["type"] == "event":
        assert frame["replay"] is True
        seqs.append(frame["seq"])
    assert frame["state"] == "ended"
    assert "id" not in frame
    return seqs


async def test_a_replay_shows_the_events_in_order_and_says_when_it_is_over(served: World) -> None:
    await served.fill(700)
    async with served.connect() as client:
        reply = await client.ask("replay", room=GENERAL, **({"from": 5} | FAST))
        assert reply == {
            "type": "replaying", "id": "ask", "room": GENERAL, "state": "playing", "seq": 4, "to": 700, "speed": 1000.0,
        }  # fmt: skip
        events = await client.receive_events(696)
        assert [event["seq"] for event in events] == list(range(5, 701))
        assert all(event["replay"] is True for event in events)
        assert {**await client.receive(), "id": "ask"} == reply | {"state": "ended", "seq": 700}
        assert await play(client, to=3) == [1, 2, 3]


async def test_a_replayed_event_is_as_the_live_one_was(served: World) -> None:
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await served.say("hello")
        live = await client.receive("event")
        await client.ask("replay", room=GENERAL, **({"from": live["seq"]} | FAST))
        assert await client.receive("event") == live | {"replay": True}


async def test_seqs_and_times_say_from_where_to_where(served: World) -> None:
    await served.fill_at(*(NOON + 1000 * n for n in range(1, 21)))
    async with served.connect() as client:
        assert await play(client, **{"from": rfc3339(NOON + 5000), "to": rfc3339(NOON + 7999)}) == [5, 6, 7]
        assert await play(client, **{"from": rfc3339(NOON + 4001), "to": 6}) == [5, 6]
        assert await play(client, **{"from": 19}) == [19, 20]
        assert await play(client, **{"from": rfc3339(NOON), "to": rfc3339(NOON)}) == []
        assert await play(client, **{"from": rfc3339(NOON + 10**9)}) == []


async def test_live_events_come_beside_a_replay_and_are_not_marked(served: World) -> None:
    await served.fill_at(NOON, NOON + 10**6)
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await client.ask("replay", room=GENERAL, **({"from": 1} | FOR_EVER))
        assert (await client.receive("event"))["replay"]
        await served.say("now")
        live = await client.receive("event")
        assert (live["seq"], live.get("replay")) == (3, None)
        assert await client.is_silent()


async def test_pause_resume_seek_and_stop(served: World) -> None:
    await served.fill_at(*(NOON + 1000 * n for n in range(1, 101)))
    async with served.connect() as client:
        await client.ask("replay", room=GENERAL, **({"from": 1} | FOR_EVER))
        await client.receive_events(1)
        assert (await client.ask("pause", room=GENERAL))["state"] == "paused"
        assert (await client.ask("seek", room=GENERAL, seq=50))["seq"] == 49
        assert await client.is_silent()
        resumed = await client.ask("resume", room=GENERAL, speed=1000)
        assert (resumed["state"], resumed["speed"]) == ("playing", 1000)
        assert [event["seq"] for event in await client.receive_events(51)] == list(range(50, 101))
        assert (await client.receive("replaying"))["state"] == "ended"
        assert (await client.ask("resume", room=GENERAL))["state"] == "ended"
        sought = await client.ask("seek", room=GENERAL, to=rfc3339(NOON + 99_000))
        assert (sought["state"], sought["seq"]) == ("playing", 98)
        assert [event["seq"] for event in await client.receive_events(2)] == [99, 100]
        await client.receive("replaying")
        assert (await client.ask("seek", room=GENERAL, to=1))["seq"] == 0
        assert (await client.ask("stop", room=GENERAL))["state"] == "stopped"
        for control in ("pause", "resume", "stop"):
            assert await client.refusal(control, room=GENERAL) == "not_found"
        assert await client.refusal("seek", room=GENERAL, seq=1) == "not_found"


async def test_asked_again_it_begins_again_and_rooms_play_beside_each_other(served: World) -> None:
    await served.fill_at(NOON, NOON + 10**6)
    await served.fill_at(NOON, NOON + 10**6, room=GARDEN)
    async with served.connect() as client:
        for room in (GENERAL, GARDEN, GENERAL):
            await client.send("replay", room=room, **({"from": 1} | FOR_EVER))
            assert (await client.receive("replaying"))["room"] == room
            assert (await client.receive("event"))["room"] == room
        assert (await client.ask("stop", room=GARDEN))["state"] == "stopped"
        assert (await client.ask("pause", room=GENERAL))["state"] == "paused"


async def test_what_was_redacted_is_a_stub(served: World) -> None:
    secret = await served.say("a secret")
    await served.handlers.handle(RedactMessage(room=GENERAL, message_id=secret.message_id or ""), served.caller(ADA))
    async with served.connect() as client:
        await client.ask("replay", room=GENERAL, **({"from": secret.seq} | FAST))
        event = await client.receive("event")
        assert (event["stub"], event["data"]) == ("redacted", {})


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"room": "nowhere"}, "not_found"),
        ({"room": "not a label"}, "invalid_field"),
        ({"from": 4}, "after_beyond_head"),
        ({"to": 4}, "after_beyond_head"),
        ({"from": "yesterday"}, "invalid_field"),
        ({"to": "2026-11-22"}, "invalid_field"),
        ({"from": None}, "invalid_field"),
        ({"from": -1}, "invalid_field"),
        ({"speed": 0}, "invalid_field"),
        ({"speed": 1001}, "invalid_field"),
        ({"max_gap_ms": -1}, "invalid_field"),
        ({"max_gap_ms": 3_600_001}, "invalid_field"),
    ],
)
async def test_what_cannot_be_replayed_is_refused(served: World, frame: dict[str, Any], code: str) -> None:
    await served.fill_at(NOON, NOON + 1, NOON + 2)
    async with served.connect() as client:
        assert await client.refusal("replay", **({"room": GENERAL, "from": 1} | frame)) == code
        assert await client.is_silent()
    assert await served.log.head("nowhere") == 0


@pytest.mark.parametrize("frame", [{}, {"seq": 1, "to": 2}, {"seq": 4}, {"to": 4}, {"to": "noon"}, {"seq": "1"}])
async def test_where_nobody_can_seek_is_refused_and_the_replay_goes_on(served: World, frame: dict[str, Any]) -> None:
    await served.fill_at(NOON, NOON + 10**6, NOON + 10**6)
    async with served.connect() as client:
        await client.ask("replay", room=GENERAL, **({"from": 1} | FOR_EVER))
        assert await client.refusal("seek", room=GENERAL, **frame) == "invalid_field"
        assert (await client.ask("pause", room=GENERAL))["state"] == "paused"


async def test_strangers_replay_nothing_that_is_not_theirs(served: World) -> None:
    await served.handlers.handle(OpenRoom(room=GARDEN, visibility="private"), served.caller(ADA))
    await served.say("mine", GENERAL)
    await served.handlers.handle(Ban(room=GENERAL, person=GRACE, reason="spam"), served.caller(ADA))
    async with served.connect(token=served.token(GRACE)) as client:
        assert await client.refusal("replay", room=GARDEN, **{"from": 1}) == "not_found"
        assert await client.refusal("replay", room=GENERAL, **{"from": 1}) == "banned"
    async with served.connect(token=served.token(ADA)) as client:
        assert (await client.ask("replay", room=GARDEN, **{"from": 1}))["state"] == "playing"


async def test_a_socket_plays_four_rooms_at_most_and_none_when_it_is_gone(served: World) -> None:
    rooms = [f"room-{n}" for n in range(5)]
    for room in rooms:
        await served.fill_at(NOON, NOON + 10**6, room=room)
    async with served.connect() as client:
        for room in rooms[:4]:
            assert (await client.ask("replay", room=room, **({"from": 1} | FOR_EVER)))["state"] == "playing"
        assert await client.refusal("replay", room=rooms[4], **{"from": 1}) == "rate_limited"
        assert len(_playing()) == 4
    async with asyncio.timeout(10):
        while _playing():
            await asyncio.sleep(0.001)


def _playing() -> list[str]:
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("replay ")]


async def test_a_large_replay_waits_for_its_reader_and_loses_nothing(served: World) -> None:
    await served.say("first")
    for _ in range(40):
        await served.say("x" * 9000)
    async with served.connect() as client:
        assert await play(client) == list(range(1, 43))
