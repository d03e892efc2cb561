"""Room affinity: connections go to the home of their room, unless it is large, or far ahead, or full; none is lost."""

import gc
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from realtime import affinity
from realtime.affinity import SPARE, TOGETHER, Mail
from tests.realtime.places import Machines, parent, room_of
from tests.realtime.test_hub import until

__all__ = ["parent"]

HEAD = b"GET /chat/general/ HTTP/1.1\r\n\r\n"


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


async def test_sockets_of_no_room_make_no_room_large(parent: Machines) -> None:
    (here, _), (home, _) = parent.start(0), parent.start(1)
    first_cell = next(name for n in range(100_000) if home._find(name := f"room-{n}") == (1, 0))
    with connection() as (_, ours):
        for _ in range(TOGETHER):
            here.enter("")
            home.enter("")
        assert here.give(first_cell, HEAD, ours.fileno())
        for _ in range(TOGETHER):
            here.enter("")
            home.enter(first_cell)
        assert not here.give(first_cell, HEAD, ours.fileno())


async def test_a_home_that_is_full_gets_no_more(parent: Machines) -> None:
    (here, _), (home, _) = parent.start(0, most=3), parent.start(1, most=3)
    with connection() as (_, ours):
        for _ in range(3):
            home.enter("")
        assert not here.give(room_of(1), HEAD, ours.fileno())
        home.leave("")
        assert here.give(room_of(1), HEAD, ours.fileno())


async def test_what_a_place_does_not_read_is_bounded_and_what_is_too_large_stays(parent: Machines) -> None:
    (here, _), (home, inbox) = parent.start(0), parent.start(1)
    with connection() as (_, ours):
        assert not here.give(room_of(1), bytes(affinity.MESSAGE_BYTES + 1), ours.fileno())
        for _ in range(1000):
            here.give(room_of(1), HEAD, ours.fileno())
    home.stop()
    assert inbox.heads == []
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


def test_a_parent_closes_all_that_it_made() -> None:
    gc.collect()  # what others left behind
    before = psutil.Process().num_fds()
    mail = Mail(3)
    assert psutil.Process().num_fds() == before + 7
    mail.close()
    assert psutil.Process().num_fds() == before
