"""Handed over: a socket is served by the process where its room is, whichever of them took the connection."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from realtime import http
from realtime.affinity import TOGETHER, Affinity
from realtime.server import Server
from realtime.session import Session
from tests.realtime.places import Machines, parent, room_of
from tests.realtime.raw import HANDSHAKE, OURS, raw
from tests.realtime.test_hub import until
from tests.realtime.world import World, sqlite_world

__all__ = ["parent"]


class Machine(NamedTuple):
    """Two processes of one deployment, as far as one event loop can be two: each a world with a server of its own."""

    worlds: list[World]
    affinities: list[Affinity]
    servers: list[Server]


@pytest.fixture
async def machine(tmp_path: Path, parent: Machines) -> AsyncIterator[Machine]:
    affinities = [parent.inherit(place) for place in range(2)]
    async with AsyncExitStack() as stack:
        worlds = [await stack.enter_async_context(sqlite_world(tmp_path)) for _ in range(2)]
        servers = [
            await stack.enter_async_context(world.serve(affinity=each))
            for world, each in zip(worlds, affinities, strict=True)
        ]
        yield Machine(worlds, affinities, servers)


async def test_whoever_took_it_a_socket_is_served_where_its_room_is(machine: Machine) -> None:
    first, home = machine.worlds
    room = room_of(1)
    async with first.connect(f"/chat/{room}/") as client, raw(first.port) as classic:
        await client.receive("subscribed")
        assert b" 101 " in await classic.shake_hands(f"/chat/{room}/?a=b", more="")
        assert (await client.ask("post", room=room, message="hello"))["type"] == "posted"
        assert b"hello" in (await classic.receive_frame())[1]
        assert (first.hubs.rooms, home.hubs.rooms) == (0, 1)
        assert {cast(Session, session).visitor.address for session in home.hubs.sessions} == {"127.0.0.1"}
    assert (machine.affinities[0].given, machine.affinities[1].taken) == (2, 2)


async def test_sockets_of_no_room_and_of_a_room_at_home_stay(machine: Machine) -> None:
    first = machine.worlds[0]
    async with first.connect("/chat/"), first.connect(f"/chat/{room_of(0)}/"):
        assert len(first.hubs.sessions) == 2
    assert machine.affinities[0].given == machine.affinities[0].kept == 0


async def test_one_to_whom_an_answer_is_still_due_stays(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    first = machine.worlds[0]
    monkeypatch.setattr(http.HttpProtocol, "_is_idle", lambda _: False)
    async with first.connect(f"/chat/{room_of(1)}/"):
        assert len(first.hubs.sessions) == 1


async def test_after_an_answer_a_connection_may_still_go_home(machine: Machine) -> None:
    first, home = machine.worlds
    async with raw(first.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 204 " in await client.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in await client.shake_hands(f"/chat/{room_of(1)}/")
        assert len(home.hubs.sessions) == 1


async def test_one_that_was_given_is_not_given_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = machine.worlds
    monkeypatch.setattr(machine.affinities[1], "_find", lambda _: (0, 0))
    async with first.connect(f"/chat/{room_of(1)}/"):
        assert len(other.hubs.sessions) == 1
    assert machine.affinities[1].given == 0


async def test_sockets_that_are_gone_count_no_more(machine: Machine) -> None:
    here, home = machine.affinities
    first, room = machine.worlds[0], room_of(1)
    async with AsyncExitStack() as stack:
        for _ in range(TOGETHER):
            await stack.enter_async_context(first.connect(f"/chat/{room}/"))
        await stack.enter_async_context(first.connect(f"/chat/{room}/"))
        assert (home.taken, here.kept) == (TOGETHER, 1)
    await until(lambda: not machine.worlds[1].hubs.sessions)
    async with first.connect(f"/chat/{room}/"):
        assert home.taken == TOGETHER + 1


async def test_a_home_that_is_full_all_the_same_says_so(machine: Machine) -> None:
    machine.servers[1].config.limit_concurrency = 1
    async with raw(machine.worlds[1].port), raw(machine.worlds[0].port) as client:
        await until(lambda: len(machine.servers[1].server_state.connections) == 1)
        assert b" 503 " in await client.shake_hands(f"/chat/{room_of(1)}/")


async def test_what_was_taken_in_as_the_server_leaves_is_told_to_come_back(machine: Machine) -> None:
    home, server = machine.worlds[1], machine.servers[1]
    ours, theirs = socket.socketpair()
    head = HANDSHAKE.format(path=f"/chat/{room_of(1)}/", port=home.port, more=OURS)
    server._take_in(ours, head.encode())
    leaving = asyncio.create_task(server.shutdown())
    reader, writer = await asyncio.open_connection(sock=theirs)
    answer = await asyncio.wait_for(reader.readuntil(b'"type":"disconnect"'), 2)
    writer.close()
    await leaving
    assert answer.startswith(b"HTTP/1.1 101 ")
