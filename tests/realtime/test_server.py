"""Our server: its limits, its way of closing, and that nobody notices somebody else's trouble."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import pytest

from realtime import http, outlet, upgraded
from tests.cast import GENERAL
from tests.realtime.raw import OURS, Raw, raw
from tests.realtime.test_hub import until
from tests.realtime.world import World


async def test_a_frame_of_64_kib_is_taken_and_one_byte_more_closes(served: World) -> None:
    frame = '{"type":"ping","more":"%s"}'
    async with served.connect() as client:
        await client.send_raw(frame % ("x" * (64 * 1024 - len(frame) + 2)))
        assert (await client.receive())["type"] == "pong"
        await client.send_raw(frame % ("x" * (64 * 1024 - len(frame) + 3)))
        assert await client.closed() == (1009, [])
    async with served.connect() as client:
        await client.send_raw(frame % ("x" * 2_000_000))
        assert await client.closed() == (1009, [])


async def test_a_frame_that_only_claims_to_be_large_closes_at_once(served: World) -> None:
    async with raw(served.port) as client:
        await client.shake_hands()
        await client.send_frame(1, b"{", size=2**62)
        assert (await client.close_code())[0] == 1009


async def test_many_small_pieces_of_a_message_are_bounded(served: World) -> None:
    async with raw(served.port) as client:
        await client.shake_hands()
        await client.send_frame(1, b'{"type":"ping"', fin=False)
        await client.send_frame(0, b"", fin=False)
        await client.send_frame(0, b"}")
        await client.receive_frame()
        assert json.loads((await client.receive_frame())[1]) == {"type": "pong"}
        await client.send_frame(1, b"{", fin=False)
        for _ in range(upgraded.MAX_FRAGMENTS):
            await client.send_frame(0, b"", fin=False)
        assert (await client.close_code())[0] == 1009


@pytest.mark.parametrize("payload", [b"\xff", b"\xc3", b"\xed\xa0\x80", b'{"type":"ping","id":"\xc0\xaf"}'])
async def test_invalid_utf8_closes(served: World, payload: bytes) -> None:
    async with raw(served.port) as client:
        await client.shake_hands()
        await client.send_frame(1, payload)
        assert (await client.close_code())[0] == 1007


@pytest.mark.parametrize(
    "frame", [b"\x81\x02hi", b"\xc1\x80abcd", b"\x83\x80abcd", b"\x89\xfe\x00\x80abcd" + b"x" * 128]
)
async def test_what_breaks_the_websocket_protocol_closes(served: World, frame: bytes) -> None:
    async with raw(served.port) as client:
        await client.shake_hands()
        await client.send(frame)
        assert (await client.close_code())[0] == 1002


async def test_a_connection_that_does_not_say_what_it_wants_is_cut_off(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "HEAD_S", 0.2)
    for head in (b"", b"GET /chat/ HTTP/1.1\r\nHost: a\r\nUpgrade: web", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT"):
        async with raw(served.port) as client:
            await client.send(head)
            if head.endswith(b"HT"):
                assert b" 204 " in await client.reader.readuntil(b"\r\n\r\n")
            assert await client.is_cut_off()


async def test_a_connection_that_asks_in_time_is_not_cut_off(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEAD_S", 0.2)
    async with served.connect() as client, raw(served.port) as idle:
        assert await idle.is_cut_off()
        assert (await client.ask("ping"))["type"] == "pong"


async def test_an_endless_head_is_refused(served: World) -> None:
    async with raw(served.port) as client:
        await client.send(b"GET / HTTP/1.1\r\n")
        for _ in range(80):
            await client.send(b"X: " + b"x" * 1000 + b"\r\n")
        assert (await client.reader.readline()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("".join(f"X-{n}: x\r\n" for n in range(200)), b"431"),
        ("X: " + "x" * 10_000 + "\r\n", b"431"),
        ("Sec-WebSocket-Protocol: a b\r\n", b"400"),
        ("Sec-WebSocket-Key: short\r\n", b"400"),
    ],
)
async def test_a_handshake_that_is_none_is_answered(served: World, more: str, status: bytes) -> None:
    async with raw(served.port) as client:
        assert (await client.shake_hands(more=more)).split()[1] == status
        assert await client.reader.read() is not None


async def test_whoever_does_not_answer_pings_is_gone(world: World) -> None:
    pings = world.serve(ws_ping_interval=0.1, ws_ping_timeout=0.1)
    async with pings, raw(world.port) as silent, world.connect() as client:
        await silent.shake_hands()
        while (frame := await silent.receive_frame())[0] != 9:
            assert frame[0] == 1
        assert await silent.is_cut_off()
        assert (await client.ask("ping"))["type"] == "pong"


async def test_a_client_that_stops_reading_is_cut_loose_and_told_to_resume_and_others_do_not_notice(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "STALLED_S", 0.2)
    await served.say("hi")
    async with raw(served.port, receive_bytes=4096) as slow, served.connect() as client:
        await slow.shake_hands(f"/chat/{GENERAL}/")
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await stop_reading_while(served, client.receive_events(800))
        assert sum(map(len, served.hubs._hubs[GENERAL]._live.values())) == 1
        await until(lambda: served.hubs.tally.closed["slow"] > 0)
        code, last = await slow.close_code()
        goodbye = json.loads(last)
        assert (code, goodbye["type"], goodbye["code"], goodbye["reconnect"]) == (4008, "disconnect", 4008, True)


async def stop_reading_while(world: World, others: Coroutine[None, None, list[dict[str, Any]]]) -> None:
    """Say so much that it fills every buffer of a client that does not read; the others hear it all."""
    heard = asyncio.create_task(others)
    for _ in range(8):
        await asyncio.gather(*(world.say("x" * 10_000) for _ in range(100)))
    assert [event["seq"] for event in await heard] == list(range(3, 803))


async def test_a_client_that_never_reads_the_end_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "STALLED_S", 0.2)
    monkeypatch.setattr(upgraded, "CLOSE_S", 0.3)
    await world.say("hi")
    async with world.serve() as server, raw(world.port, receive_bytes=4096) as slow, world.connect() as client:
        await slow.shake_hands(f"/chat/{GENERAL}/")
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await stop_reading_while(world, client.receive_events(800))
        async with asyncio.timeout(5):
            while len(server.server_state.connections) > 1:
                await asyncio.sleep(0.01)


async def test_connections_that_vanish_harm_nobody(served: World) -> None:
    await served.say("hi")
    async with served.connect(f"/chat/{GENERAL}/") as client:
        await client.receive("subscribed")
        await client.receive("caught_up")
        for n in range(10):
            async with raw(served.port) as gone:
                await gone.shake_hands(f"/chat/{GENERAL}/")
                for _ in range(3):
                    await gone.receive_frame()
                saying = asyncio.create_task(served.say(f"{n}"))
            await saying
        assert [event["seq"] for event in await client.receive_events(10)] == list(range(3, 13))


async def test_a_ping_flood_that_is_not_read_ends_the_connection(served: World) -> None:
    async with raw(served.port, receive_bytes=4096) as flood:
        await flood.shake_hands()
        ping = bytes([0x89, 0xFD]) + b"mask" + b"x" * 125
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await flood.send(ping * 100_000)


async def test_when_the_server_stops_everybody_is_told_to_come_back_spread_over_time(world: World) -> None:
    served = world.serve()
    async with served as server, world.connect() as first, world.connect() as second, raw(world.port) as deaf:
        await deaf.shake_hands()
        server.should_exit = True
        waits = set()
        for client in (first, second):
            code, (goodbye,) = await client.closed()
            assert (code, goodbye["type"], goodbye["code"], goodbye["reconnect"]) == (1001, "disconnect", 1001, True)
            waits.add(goodbye["retry_after_ms"])
        assert all(0 < wait <= 5000 for wait in waits)
        assert (await deaf.close_code())[0] == 1001


async def test_a_close_is_answered(served: World) -> None:
    async with raw(served.port) as client:
        await client.shake_hands(more=OURS)
        await client.send_frame(8, (1000).to_bytes(2))
        assert (await client.close_code())[0] == 1000
        assert await Raw.is_cut_off(client)
