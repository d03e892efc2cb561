"""Room affinity: a room's sockets meet at its home, unless it is large, or far ahead, or full; and none is lost."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, cast
from zlib import crc32

import psutil
import pytest

from realtime import affinity
from realtime.affinity import SPARE, TOGETHER, Affinity, Mail
from realtime.server import Server
from realtime.session import Session
from tests.realtime.raw import HANDSHAKE, OURS, raw
from tests.realtime.test_hub import until
from tests.realtime.world import World, sqlite_world

HEAD = b"GET /chat/general/ HTTP/1.1\r\n\r\n"


def room_of(home: int, places: int = 2) -> str:
    """A room at home in a place."""
    return next(name for n in range(100) if crc32((name := f"room-{n}").encode()) % places == home)


type Inherit = Callable[[int], Affinity]


@pytest.fixture
async def inherit() -> AsyncIterator[Inherit]:
    """What makes the affinity of a process that starts at a place, of two."""
    mail = Mail(2)
    made: list[Affinity] = []

    def make(place: int) -> Affinity:
        made.append(Affinity(place, [os.dup(file) for file in mail.files(place)]))
        return made[-1]

    yield make
    for each in made:
        each.stop()
    mail.close()


class Inbox:
    """What a place was handed."""

    def __init__(self, of: Affinity) -> None:
        self.heads: list[bytes] = []
        self.connections: list[socket.socket] = []
        of.start(self._take)

    def _take(self, connection: socket.socket, head: bytes) -> None:
        self.connections.append(connection)
        self.heads.append(head)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()


@contextmanager
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and ours."""
    client, ours = socket.socketpair()
    with client, ours:
        client.settimeout(5)
        yield client, ours


async def test_a_connection_goes_on_at_the_home_of_its_room_and_others_stay(inherit: Inherit) -> None:
    here, home = inherit(0), inherit(1)
    inbox = Inbox(home)
    with connection() as (client, ours):
        assert not here.give(room_of(0), HEAD, ours.fileno())
        assert here.give(room_of(1), HEAD, ours.fileno())
        ours.close()
        await until(lambda: inbox.heads == [HEAD])
        inbox.connections[0].sendall(b"welcome home")
        assert client.recv(100) == b"welcome home"
    assert (here.given, here.kept, home.taken) == (1, 0, 1)
    inbox.close()


async def test_a_large_room_is_spread_until_it_is_smaller(inherit: Inherit) -> None:
    here, home = inherit(0), inherit(1)
    room = room_of(1)
    with connection() as (_, ours):
        for _ in range(TOGETHER):
            home.enter(room)
        assert not here.give(room, HEAD, ours.fileno())
        home.leave(room)
        assert here.give(room, HEAD, ours.fileno())
    assert (here.given, here.kept) == (1, 1)


async def test_a_home_that_has_many_more_sockets_gets_no_more(inherit: Inherit) -> None:
    here, home = inherit(0), inherit(1)
    room = room_of(1)
    with connection() as (_, ours):
        for n in range(SPARE + 1):
            home.enter(f"another-{n}")
        assert not here.give(room, HEAD, ours.fileno())
        here.enter("elsewhere")
        assert here.give(room, HEAD, ours.fileno())


async def test_what_a_place_does_not_read_is_bounded_and_what_is_too_large_stays(inherit: Inherit) -> None:
    here = inherit(0)
    with connection() as (_, ours):
        assert not here.give(room_of(1), bytes(affinity.MAX_HEAD_BYTES + 1), ours.fileno())
        for _ in range(1000):
            here.give(room_of(1), HEAD, ours.fileno())
    assert 10 <= here.given <= 500
    assert here.kept == 1001 - here.given


async def test_what_waits_for_a_place_without_a_process_is_taken_in_by_the_next_one(inherit: Inherit) -> None:
    here, dead = inherit(0), inherit(1)
    room = room_of(1)
    for _ in range(TOGETHER):
        dead.enter(room)
    successor = inherit(1)  # it knows of no sockets
    with connection() as (client, ours):
        assert here.give(room, HEAD, ours.fileno())
        ours.close()
        inbox = Inbox(successor)
        await until(lambda: len(inbox.heads) == 1)
        inbox.close()
        assert client.recv(100) == b""


async def test_one_that_leaves_hands_nothing_over_takes_nothing_in_and_counts_for_nobody(inherit: Inherit) -> None:
    here, leaving = inherit(0), inherit(1)
    inbox = Inbox(leaving)
    leaving.stop()
    successor = inherit(1)
    heir = Inbox(successor)
    with connection() as (_, ours):
        assert not leaving.give(room_of(0), HEAD, ours.fileno())
        for n in range(SPARE + TOGETHER + 1):
            leaving.enter(f"another-{n}")
        assert here.give(room_of(1), HEAD, ours.fileno())
        await until(lambda: heir.heads == [HEAD])
        assert inbox.heads == []
        heir.close()


class Machine(NamedTuple):
    """Two processes of one deployment, as far as one event loop can be two: each a world with a server of its own."""

    worlds: list[World]
    affinities: list[Affinity]
    servers: list[Server]


@pytest.fixture
async def machine(tmp_path: Path, inherit: Inherit) -> AsyncIterator[Machine]:
    affinities = [inherit(place) for place in range(2)]
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


async def test_a_home_that_is_full_says_so(machine: Machine) -> None:
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


def test_a_parent_closes_all_that_it_made() -> None:
    before = psutil.Process().num_fds()
    mail = Mail(3)
    assert psutil.Process().num_fds() == before + 7
    mail.close()
    assert psutil.Process().num_fds() == before
