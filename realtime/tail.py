"""The last events of a room, in the frames of one dialect: thousands who come back need not all ask the store."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from commands.subscription import Fact, says_something
from realtime.encoding import Dialect

MAX_BYTES = 1024 * 1024
"""How much one tail keeps."""
MAX_BYTES_IN_ALL = 64 * 1024 * 1024
"""How much all tails of a process keep together; the ones that were used longest ago are dropped."""
ENTRY_BYTES = 160
"""About what it costs to keep a frame, besides its bytes."""


class Line(NamedTuple):
    """An event's frame, empty if the dialect does not say it, and the message that it shows something of, if any."""

    frame: bytes
    subject: str

    @property
    def size(self) -> int:
        """Bytes of memory, about."""
        return len(self.frame) + ENTRY_BYTES


def as_lines(facts: Sequence[Fact], dialect: Dialect) -> list[Line]:
    """Events in a dialect."""
    return [Line(dialect.event(fact), fact.recorded.subject if says_something(fact) else "") for fact in facts]


class Tails:
    """How much all tails keep together, and which was used longest ago."""

    def __init__(self, max_bytes: int = MAX_BYTES_IN_ALL) -> None:
        self._max_bytes = max_bytes
        self._used: dict[Tail, None] = {}
        self.size = 0

    def use(self, tail: "Tail", grew: int = 0) -> None:
        """A tail was read, or grew by so many bytes."""
        self.size += grew
        self._used.pop(tail, None)
        self._used[tail] = None
        while self.size > self._max_bytes:
            next(iter(self._used)).forget()

    def drop(self, tail: "Tail", size: int) -> None:
        """A tail keeps nothing any more."""
        self.size -= size
        self._used.pop(tail, None)

    def forget(self) -> None:
        """Keep nothing: somebody was erased."""
        for tail in list(self._used):
            tail.forget()


class Tail:
    """Consecutive events up to `last`: the last ones that the hub let out, or what somebody who came back has read.

    `redactions` counts what was redacted, and how often all was forgotten: a read that began before may hold what must
    not be shown any more.
    """

    def __init__(self, tails: Tails) -> None:
        self._tails = tails
        self._lines: list[Line] = []
        self._size = 0
        self.last = -1
        self.redactions = 0

    def append(self, seq: int, lines: Sequence[Line]) -> None:
        """These events were let out, from `seq` on."""
        if seq > self.last + 1:
            self.forget()
            self.last = seq - 1
        news = lines[self.last + 1 - seq :]
        self._lines += news
        self.last += len(news)
        self._grow(news)

    def fill(self, seq: int, lines: Sequence[Line]) -> None:
        """These events, from `seq` on, were read from the store: keep them if they join what there is."""
        end = seq + len(lines)
        if not self._lines:
            self.append(seq, lines)
            return
        if seq < self.first <= end and self._size < MAX_BYTES:
            older = lines[: self.first - seq]
            self._lines[:0] = older
            self._grow(older)
        if seq <= self.last + 1 < end:
            self.append(seq, lines)

    @property
    def first(self) -> int:
        """The first event that is kept; the one after the last if there is none."""
        return self.last + 1 - len(self._lines)

    def has(self, seq: int) -> bool:
        """Whether this event is kept."""
        return self.first <= seq <= self.last

    def read(self, after: int, upto: int, max_bytes: int) -> list[bytes]:
        """The frames of the next events up to `upto`, until they are `max_bytes`; none if they are not kept."""
        if not self.has(after + 1):
            return []
        self._tails.use(self)
        begin = after + 1 - self.first
        frames = [line.frame for line in self._lines[begin : begin + upto - after]]
        return frames[: bisect_left(list(accumulate(map(len, frames))), max_bytes) + 1]

    def redact(self, subject: str, stub: Callable[[bytes], bytes]) -> None:
        """What was said in a message is said no more: its frames become stubs."""
        self.redactions += 1
        for at, line in enumerate(self._lines):
            if line.subject == subject:
                self._lines[at] = Line(stub(line.frame), "")

    def forget(self) -> None:
        """Keep nothing."""
        self._tails.drop(self, self._size)
        self.redactions += 1
        self._lines.clear()
        self._size = 0
        self.last = -1

    def _grow(self, lines: Sequence[Line]) -> None:
        before, surplus = self._size, 0
        self._size += sum(line.size for line in lines)
        while self._size > MAX_BYTES:
            self._size -= self._lines[surplus].size
            surplus += 1
        del self._lines[:surplus]
        self._tails.use(self, self._size - before)
