"""A parent's two places, and processes that start there, as far as one event loop can be several."""

import os
import socket
from collections.abc import AsyncIterator
from typing import NamedTuple
from zlib import crc32

import pytest

from realtime.affinity import Affinity, Mail


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
