"""How the server leaves: who is connected already is answered once more, or told where to go."""

import asyncio
import json

import pytest

from realtime import http
from realtime.server import Server
from tests.cast import GENERAL
from tests.realtime.raw import OURS, raw
from tests.realtime.world import World


async def leave(server: Server) -> None:
    """Begin to leave; when this returns, no new connection is taken."""
    server.should_exit = True
    async with asyncio.timeout(5):
        while any(listening.is_serving() for listening in server.servers):
            await asyncio.sleep(0.001)


async def test_a_request_on_an_idle_connection_is_still_answered_and_closes_it(world: World) -> None:
    async with world.serve() as server, raw(world.port) as client:
        request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        await client.send(request)
        assert b"connection: close" not in await client.reader.readuntil(b"\r\n\r\n")
        await leave(server)
        await client.send(request)
        answer = await client.reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 204 ")
        assert b"connection: close" in answer
        assert await client.is_cut_off()


async def test_an_idle_connection_is_closed_after_a_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LINGER_S", 0.1)
    async with world.serve() as server, raw(world.port) as client:
        await leave(server)
        assert await client.is_cut_off()


async def test_a_socket_that_comes_too_late_is_told_to_come_back(world: World) -> None:
    async with world.serve() as server, raw(world.port) as client:
        await leave(server)
        assert (await client.shake_hands(more=OURS)).startswith(b"HTTP/1.1 101 ")
        assert json.loads((await client.receive_frame())[1])["type"] == "welcome"
        code, last = await client.close_code()
        goodbye = json.loads(last)
        assert (code, goodbye["type"], goodbye["code"], goodbye["reconnect"]) == (1001, "disconnect", 1001, True)


async def test_what_was_posted_is_answered_before_the_goodbye(world: World) -> None:
    async with world.serve() as server, world.connect() as client:
        for n in range(10):
            await client.send("post", id=n, room=GENERAL, message="hello")
        await client.receive("posted")
        server.should_exit = True
        code, frames = await client.closed()
        assert (code, frames[-1]["type"]) == (1001, "disconnect")
        assert [frame["id"] for frame in frames[:-1]] == list(range(1, 10))
        assert {frame["type"] for frame in frames[:-1]} == {"posted"}
        assert await world.log.head(GENERAL) == 11


async def test_an_application_is_told_first(world: World) -> None:
    told: list[bool] = []
    async with world.serve() as server:
        server.lifespan.state["verbatim.leave"] = lambda: told.append(server.started)
    assert told == [True]
