"""The guide's dialect: its own chat.js works unchanged."""

import asyncio
import re

import pytest

from realtime.encoding import for_display
from tests.cast import GENERAL, NOON
from tests.realtime.client import Client
from tests.realtime.world import World

ROOM = f"/chat/{GENERAL}/"


async def test_everyone_in_the_room_receives_exactly_what_one_says(served: World) -> None:
    async with (
        Client.connect(served.port, ROOM, protocol=None) as ada,
        Client.connect(served.port, ROOM, protocol=None) as grace,
    ):
        await both_are_in(served, 2)
        await ada.send_raw('{"handle": "ada", "message": "hi"}')
        for client in (ada, grace):
            said = await client.receive()
            assert list(said) == ["handle", "message", "timestamp", "id", "seq"]
            assert (said["handle"], said["message"], said["seq"]) == ("ada", "hi", 2)
            assert re.fullmatch(r"[A-Z][a-z]{2} \d{1,2} \d{1,2}:\d\d [AP]M", said["timestamp"])
    _, fact = await served.log.read_room(GENERAL, after=0)
    assert fact.event is not None
    assert fact.event.data["message_id"] == said["id"]


async def test_both_dialects_talk_to_each_other(served: World) -> None:
    async with Client.connect(served.port, ROOM, protocol=None) as classic, served.connect(ROOM) as ours:
        await ours.receive("subscribed")
        await ours.receive("caught_up")
        await both_are_in(served, 2)
        await classic.send_raw('{"handle": "ada", "message": "hi"}')
        assert (await ours.receive("event"))["data"]["handle"] == "ada"
        await ours.ask("post", room=GENERAL, message="ho", handle="grace")
        assert [(await classic.receive())["message"] for _ in range(2)] == ["hi", "ho"]


async def test_what_is_wrong_is_dropped_and_logged_and_nothing_else_is_ever_sent(
    served: World, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: list[str | bytes] = [
        "", "{", "[]", "5", "null", '"hi"', "{}", b'{"handle": "ada", "message": "binary"}', '{"handle": "ada"}',
        '{"message": "hi"}', '{"handle": 5, "message": "hi"}', '{"handle": "ada", "message": null}',
        '{"handle": "", "message": "hi"}', '{"type": "ping"}',
        *(f'{{"handle": "ada", "message": "{text}"}}' for text in ("", "\\u0000", "\\ud800", "x" * 10_001)),
    ]  # fmt: skip
    caplog.set_level("INFO")
    async with Client.connect(served.port, ROOM, protocol=None) as client:
        await both_are_in(served, 1)
        for frame in wrong:
            await client.send_raw(frame)
        await client.send_raw('{"handle": "ada", "message": "right", "more": 1}')
        assert (await client.receive())["message"] == "right"
    dropped = [record for record in caplog.records if record.name.startswith("realtime") and "dropped" in record.msg]
    assert len(dropped) == len(wrong)
    assert "xxxx" not in caplog.text


async def test_a_room_that_cannot_be_had_just_closes(served: World) -> None:
    for path in ("/chat/api/", "/chat/a%20b/", "/chat/"):
        async with Client.connect(served.port, path, protocol=None) as client:
            assert await client.closed() == (4501, [])


@pytest.mark.parametrize(
    ("unix_ms", "shown"),
    [
        (NOON, "Nov 22 12:00 PM"),
        (NOON - 1, "Nov 22 11:59 AM"),
        (NOON - 12 * 3_600_000, "Nov 22 12:00 AM"),
        (NOON - 8_220_000, "Nov 22 9:43 AM"),
        (NOON + 10 * 86_400_000 + 3_600_000, "Dec 2 1:00 PM"),
    ],
)
def test_the_timestamp_is_for_display_in_utc(unix_ms: int, shown: str) -> None:
    assert for_display(unix_ms) == shown


async def both_are_in(world: World, count: int) -> None:
    """Wait until so many sockets hear the room: this dialect does not say so."""
    async with asyncio.timeout(5):
        while sum(map(len, world.hubs._hubs[GENERAL]._live.values()) if GENERAL in world.hubs._hubs else ()) < count:
            await asyncio.sleep(0.005)
