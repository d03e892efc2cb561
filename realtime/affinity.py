"""Room affinity: a room's sockets meet in one process, whichever of a machine's processes took their connections.

What is said in a room is opened and encoded once for each process that has sockets in it, and waits there for what the
others commit. So a process hands a connection for a room, with what was read of it, to the room's home: the place that
its label names. A room that is large stays spread over all of them, since there the sockets are the work, and no place
gets many more than the others. Every connection is served where it is when it cannot be handed over.
"""

import asyncio
import mmap
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from zlib import crc32

AFFINITY = "verbatim.affinity"
"""Where protocols and the application find, in the lifespan's state, this process's `Affinity`, if it has one."""
TOGETHER = 64
"""So many sockets of a room meet at its home."""
SPARE = 64
SKEW = 1.125
"""A home takes no more once it has so many times as many sockets as the process that would hand one over, and `SPARE`
more."""
CELLS = 4096
"""Rooms of a place are counted in so many cells; those that share one count as one."""
UNREAD_BYTES = 64 * 1024
"""About how much may be on its way to a place. What is more is served where it is."""
MESSAGE_BYTES = 2 * UNREAD_BYTES
"""More than the kernel lets into one message: it doubles what it is told of a buffer."""
AT_ONCE = 16
"""Connections that are taken in before whatever else waits in the event loop gets its turn."""
_PART = (1 + CELLS) * 4
_NOBODY = 2**32 - 1
"""Stands for the number of sockets of a place that has no process."""

type Take = Callable[[socket.socket, bytes], None]


class Mail:
    """What a parent makes and its processes inherit: a way to each place, and memory in which each says what it has.

    Both outlive the processes: what is on its way to a place that has none waits for the next one. Nothing more is put
    on the way to such a place.
    """

    def __init__(self, places: int) -> None:
        self._ways = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(places)]
        for inbox, outbox in self._ways:
            inbox.setblocking(False)
            outbox.setblocking(False)
            outbox.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        self._memory = os.memfd_create("verbatim places")
        os.ftruncate(self._memory, places * _PART)
        self._cells = _map(self._memory, places)
        for place in range(places):
            self.leave(place)

    def files(self, place: int) -> list[int]:
        """What the process of a place inherits: its own inbox, the memory, and the way to each place."""
        inbox, _ = self._ways[place]
        return [inbox.fileno(), self._memory, *(outbox.fileno() for _, outbox in self._ways)]

    def leave(self, place: int) -> None:
        """The process of a place is gone, until another one starts."""
        self._cells[_at(place)] = _NOBODY

    def close(self) -> None:
        """Nobody is to inherit it any more."""
        for inbox, outbox in self._ways:
            inbox.close()
            outbox.close()
        os.close(self._memory)


class Affinity:
    """One process's part in it. `place` is its own number, `files` what it inherited (`Mail.files`).

    `given` and `taken` count connections that were handed over, `kept` those that were served elsewhere than at home.
    """

    def __init__(self, place: int, files: Sequence[int]) -> None:
        inbox, memory, *outboxes = files
        self.given = self.taken = self.kept = 0
        self._place = place
        self._inbox = socket.socket(fileno=inbox)
        self._outboxes = [socket.socket(fileno=each) for each in outboxes]
        self._cells = _map(memory, len(outboxes))
        os.close(memory)
        self._rooms = [0] * CELLS
        self._sockets = 0
        self._most = 0
        self._leaving = False
        self._take: Take | None = None

    def start(self, take: Take, *, most: int) -> None:
        """Begin to hand to `take` what others hand over: a connection, and what was read of it.

        `most` is how many sockets a process takes.
        """
        self._take, self._most = take, most
        begin = _at(self._place)
        self._cells[begin : begin + 1 + CELLS] = memoryview(bytes(_PART)).cast("I")
        asyncio.get_running_loop().add_reader(self._inbox, self._receive)

    def stop(self) -> None:
        """Take in and hand over nothing more. What is on its way waits for whoever has the place next."""
        if self._leaving:
            return
        self._leaving = True
        asyncio.get_running_loop().remove_reader(self._inbox)
        for each in (self._inbox, *self._outboxes):
            each.close()

    def give(self, room: str, head: bytes, connection: int) -> bool:
        """Hand a connection for a room, and what was read of it, to the room's home. False if it is to stay here."""
        home, cell = self._find(room)
        if home == self._place:
            return False
        if self._is_better(home, cell):
            with suppress(OSError):  # it is full, the head is too large, or we leave
                socket.send_fds(self._outboxes[home], [head], [connection])
                self.given += 1
                return True
        self.kept += 1
        return False

    def enter(self, room: str) -> None:
        """A socket is served here, for a room or (empty) for none."""
        self._count(room, 1)

    def leave(self, room: str) -> None:
        """It is gone."""
        self._count(room, -1)

    def _is_better(self, home: int, cell: int) -> bool:
        begin = _at(home)
        there, in_room = self._cells[begin], self._cells[begin + 1 + cell]
        return in_room < TOGETHER and there < min(self._most, self._sockets * SKEW + SPARE)

    def _count(self, room: str, change: int) -> None:
        self._sockets += change
        self._tell(0, self._sockets)
        if room:
            _, cell = self._find(room)
            self._rooms[cell] += change
            self._tell(1 + cell, self._rooms[cell])

    def _tell(self, cell: int, count: int) -> None:
        if not self._leaving:  # then the memory is the successor's
            self._cells[_at(self._place) + cell] = count

    def _receive(self) -> None:
        assert self._take
        for _ in range(AT_ONCE):
            try:
                head, files, _, _ = socket.recv_fds(self._inbox, MESSAGE_BYTES, 1, socket.MSG_CMSG_CLOEXEC)
            except OSError:  # nothing more for now
                return
            if files:
                self.taken += 1
                self._take(socket.socket(fileno=files[0]), head)

    def _find(self, room: str) -> tuple[int, int]:
        """The home of a room, and the cell in which it is counted."""
        number = crc32(room.encode())
        home = number % len(self._outboxes)
        return home, number // len(self._outboxes) % CELLS


def _map(memory: int, places: int) -> memoryview:
    """The cells of all places: of each, the number of its sockets, and then those of its rooms."""
    return memoryview(mmap.mmap(memory, places * _PART, trackfd=False)).cast("I")


def _at(place: int) -> int:
    """Where the cells of a place begin."""
    return place * (1 + CELLS)
