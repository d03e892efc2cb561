"""The event store as the rest of the write side knows it: entries go in by `append`, recorded events come out.

`sqlite.py` and `postgres.py` are its two forms; both pass the same contract tests. Streams are named by their room's
label. A `seq` counts 1, 2, 3 … within one stream; a `position` orders the whole store, increases and may skip.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from commands.events import Numbered


class Recorded(NamedTuple):
    """One stored event, as its row: `state` is the JSON whose personal part is sealed."""

    position: int
    stream: str
    seq: int
    topic: str
    subject: str
    state: bytes


class Mark(NamedTuple):
    """How far a stream has come, without saying with what: the log's tail."""

    position: int
    stream: str
    seq: int


class NewEvent(NamedTuple):
    """An event ready to be appended: sealed, encoded, not yet numbered."""

    topic: str
    subject: str
    state: bytes


class Condition(NamedTuple):
    """Nothing about `subject` has been recorded in the entry's stream after `after_seq`."""

    subject: str
    after_seq: int


class Entry(NamedTuple):
    """The events of one command, all or none, with the conditions under which they may be recorded.

    Every event's own subject must be among the conditions: that is what makes appending twice harmless. Only what puts
    a past back into an empty store, and looks at the numbers that come out, does without (restoring.py).
    """

    stream: str
    conditions: Sequence[Condition]
    events: Sequence[NewEvent]


class Conflict(NamedTuple):
    """A condition of the entry did not hold; nothing of it was recorded."""


type Outcome = Sequence[Numbered] | Conflict


def rows(entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> list[Recorded]:
    """What a batch recorded, in order, as its readers will find it."""
    return [
        Recorded(position, entry.stream, seq, event.topic, event.subject, event.state)
        for entry, outcome in zip(entries, outcomes, strict=True)
        if not isinstance(outcome, Conflict)
        for event, (seq, position) in zip(entry.events, outcome, strict=True)
    ]


class StoreUnavailable(Exception):
    """The database cannot be reached, and nothing of this call was recorded."""


class StoreBusy(StoreUnavailable):
    """Too many ask at once: none of the connections became free in time. The store itself does answer."""


class OutcomeUnknown(Exception):
    """The connection was lost while committing: the batch may have been recorded or not."""


class NotDurable(Exception):
    """The database would lose acknowledged messages when power fails."""


class Store(Protocol):
    """Append and read. Every method is safe to call from the event loop and never blocks it.

    Reads raise `StoreUnavailable` when the database cannot be reached. Lists come in the order that is named.
    """

    async def open(self) -> None:
        """Connect, create what is missing, and refuse a database that is not durable (`NotDurable`)."""

    async def close(self) -> None:
        """Close every connection; further calls raise `StoreUnavailable`."""

    async def append(self, batch: Sequence[Entry], *, resolve: bool = False) -> list[Outcome]:
        """Record a batch in one durable commit and number its events in their streams.

        Entries are checked against what was recorded before the batch, so no entry may touch (by event or
        condition) a subject that an earlier one of the same stream changes. An entry whose conditions fail is
        refused alone. Commit order is position order across all processes. With `resolve`, an entry that an
        earlier, cut-off call has recorded answers with its numbers instead of being recorded again.

        Raises: `StoreUnavailable` (nothing recorded), `OutcomeUnknown` (call again with `resolve`).
        """

    async def read_stream(
        self,
        stream: str,
        *,
        after: int = 0,
        upto: int | None = None,
        limit: int = 1000,
        backwards: bool = False,
    ) -> list[Recorded]:
        """The events of a stream with `after` < seq ≤ `upto`, by rising seq, or falling if `backwards`."""

    async def read_all(self, *, after: int, limit: int = 1000) -> list[Recorded]:
        """The events of the whole store with position > `after`, by position."""

    async def read_at(self, positions: Sequence[int]) -> list[Recorded]:
        """The events at these positions, as far as there are any, by position. Cost: their number."""

    async def read_subjects(
        self, stream: str, subjects: Sequence[str], *, ends_of: Sequence[str] = ()
    ) -> list[Recorded]:
        """Every event about `subjects` of a stream, and the first and the last about each of `ends_of`, by seq.

        All of it is of one snapshot. Cost: the events returned, never the stream.
        """

    async def read_about(self, stream: str, subject: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """The events about one subject of a stream with seq > `after`, by seq. Cost: the events returned."""

    async def last_topics(self, stream: str, subjects: Sequence[str]) -> dict[str, str]:
        """The topic of the last event about each of these subjects that there is one about. Cost: their number."""

    async def read_last(self, stream: str, subjects: Sequence[str], *, upto: int) -> list[Recorded]:
        """The last event with seq ≤ `upto` about each of these subjects, in no order. Cost: their number."""

    async def tail(self, *, after: int, limit: int = 10_000) -> list[Mark]:
        """The last event of every stream among the first `limit` that were recorded after a position, by position."""

    async def head(self, stream: str) -> int:
        """The last seq of a stream, 0 if it has none."""

    async def last_position(self) -> int:
        """The last position of the store, 0 if it is empty."""

    async def wait(self, *, after: int, timeout_s: float) -> None:
        """Return when something with a position > `after` may have been appended, or after `timeout_s`.

        What was appended before the call counts, so that a follower who read up to `after` sleeps through nothing.
        """
