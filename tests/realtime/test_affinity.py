"""Room affinity: a room's sockets meet at its home, unless it is large, or far ahead, or full; and none is lost."""

import asyncio
import gc
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, cast
from zlib import crc32

import psutil
import pytest

from realtime import affinity, http
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


class Machines(NamedTuple):
    """What a parent made for two places, and makes processes from."""

    mail: Mail
    made: list[Affinity]
    inboxes: list["Inbox"]

    def inherit(self, place: int) -> Affinity:
        """The affinity of a process that starts at this place."""
        self.made.append(Affinity(place, [os.dup(file) for file in self.mail.files(place)]))
        return self.made[-1]

    def start(self, place: int, most: int = 1000) -> tuple[Affinity, "Inbox"]:
        """That of one which serves, and what it is handed."""
        affinity, inbox = self.inherit(place), Inbox()
        self.inboxes.append(inbox)
        affinity.start(inbox.take, most=most)
        return affinity, inbox


@pytest.fixture
async def parent() -> AsyncIterator[Machines]:
    parent = Machines(Mail(2), [], [])
    yield parent
    for each in parent.made:
        each.stop()
    for inbox in parent.inboxes:
        inbox.close()
    parent.mail.close()


class Inbox:
    """What a process was handed."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.connections: list[socket.socket] = []

    def take(self, connection: socket.socket, head: bytes) -> None:
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


async def test_a_connection_goes_on_at_the_home_of_its_room_and_others_stay(parent: Machines) -> None:
    (here, _), (home, inbox) = parent.start(0), parent.start(1)
    with connection() as (client, ours):
        assert not here.give(room_of(0), HEAD, ours.fileno())
        assert here.give(room_of(1), HEAD, ours.fileno())
        ours.close()
        await until(lambda: inbox.heads == [HEAD])
        inbox.connections[0].sendall(b"welcome home")
        assert client.recv(100) == b"welcome home"
    assert (here.given, here.kept, home.taken) == (1, 0, 1)


async def test_a_large_room_is_spread_until_it_is_smaller(parent: Machines) -> None:
    (here, _), (home, _) = parent.start(0), parent.start(1)
    room = room_of(1)
    with connection() as (_, ours):
        for _ in range(TOGETHER):
            here.enter("")
            home.enter(room)
        assert not here.give(room, HEAD, ours.fileno())
        home.leave(room)
        assert here.give(room, HEAD, ours.fileno())
    assert (here.given, here.kept) == (1, 1)


async def test_a_home_that_has_many_more_sockets_gets_no_more(parent: Machines) -> None:
    (here, _), (home, _) = parent.start(0), parent.start(1)
    room = room_of(1)
    with connection() as (_, ours):
        for n in range(SPARE):
            home.enter(f"another-{n}" if n % 2 else "")
        assert not here.give(room, HEAD, ours.fileno())
        here.enter("elsewhere")
        assert here.give(room, HEAD, ours.fileno())


async def test_a_home_that_is_full_gets_no_more(parent: Machines) -> None:
    (here, _), (home, _) = parent.start(0, most=3), parent.start(1, most=3)
    with connection() as (_, ours):
        for _ in range(3):
            home.enter("")
        assert not here.give(room_of(1), HEAD, ours.fileno())
        home.leave("")
        assert here.give(room_of(1), HEAD, ours.fileno())


async def test_what_a_place_does_not_read_is_bounded_and_what_is_too_large_stays(parent: Machines) -> None:
    here, _ = parent.start(0)
    parent.inherit(1).start(lambda *_: pytest.fail("it is never its turn"), most=1000)
    with connection() as (_, ours):
        assert not here.give(room_of(1), bytes(affinity.MAX_HEAD_BYTES + 1), ours.fileno())
        for _ in range(1000):
            here.give(room_of(1), HEAD, ours.fileno())
    parent.made[-1].stop()
    assert 10 <= here.given <= 500
    assert here.kept == 1001 - here.given


async def test_a_place_without_a_process_gets_nothing_and_what_waits_there_is_taken_in_by_the_next_one(
    parent: Machines,
) -> None:
    (here, _), (dead, _) = parent.start(0), parent.start(1)
    room = room_of(1)
    for _ in range(TOGETHER - 1):
        dead.enter(room)
    with connection() as (client, ours):
        assert here.give(room, HEAD, ours.fileno())
        dead.stop()
        parent.mail.leave(1)
        assert not here.give(room, HEAD, ours.fileno())
        ours.close()
        successor, inbox = parent.start(1)
        await until(lambda: len(inbox.heads) == 1)
        inbox.close()
        assert client.recv(100) == b""
        successor.enter(room)  # the only one that it has there
    with connection() as (_, ours):
        assert here.give(room, HEAD, ours.fileno())


async def test_before_the_first_process_of_a_place_serves_nothing_is_handed_to_it(parent: Machines) -> None:
    here, _ = parent.start(0)
    parent.inherit(1)
    with connection() as (_, ours):
        assert not here.give(room_of(1), HEAD, ours.fileno())


async def test_one_that_leaves_hands_nothing_over_takes_nothing_in_and_counts_for_nobody(parent: Machines) -> None:
    (here, _), (leaving, inbox) = parent.start(0), parent.start(1)
    leaving.stop()
    _, heir = parent.start(1)
    with connection() as (_, ours):
        assert not leaving.give(room_of(0), HEAD, ours.fileno())
        for n in range(SPARE + TOGETHER + 1):
            leaving.enter(f"another-{n}")
        assert here.give(room_of(1), HEAD, ours.fileno())
        await until(lambda: heir.heads == [HEAD])
        assert inbox.heads == []


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


def test_a_parent_closes_all_that_it_made() -> None:
    gc.collect()  # what others left behind
    before = psutil.Process().num_fds()
    mail = Mail(3)
    assert psutil.Process().num_fds() == before + 7
    mail.close()
    assert psutil.Process().num_fds() == before
