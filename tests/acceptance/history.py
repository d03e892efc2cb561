"""What clients did and saw while a server was treated badly, as JSON lines, and what must hold of it.

A `History` is written while clients run. `check` compares it with the log that the store has in the end; it answers
one sentence for every promise that was broken. It knows nothing of how the server was treated, so that any fault may
be put under it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec


class Sent(msgspec.Struct, frozen=True, kw_only=True, tag="sent"):
    """A client sent a message, for the first time or again. `connection` names one socket, or one REST client."""

    connection: str
    person: str
    room: str
    client_msg_id: str
    message: str


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True, tag="acknowledged"):
    """The server said that a message is in its room."""

    connection: str
    person: str
    room: str
    client_msg_id: str
    message_id: str
    seq: int
    position: int
    duplicate: bool


class Subscribed(msgspec.Struct, frozen=True, kw_only=True, tag="subscribed"):
    """From here on a watcher is to get every event of a room after this seq."""

    watcher: str
    room: str
    after: int


class Seen(msgspec.Struct, frozen=True, kw_only=True, tag="seen"):
    """A watcher got an event."""

    watcher: str
    room: str
    seq: int
    position: int
    message_id: str | None


class Struck(msgspec.Struct, frozen=True, kw_only=True, tag="struck"):
    """Something was done to the deployment, after so many acknowledgements."""

    fault: str
    acknowledged: int


type Record = Sent | Acknowledged | Subscribed | Seen | Struck


class Logged(NamedTuple):
    """One event as the store has it in the end."""

    position: int
    room: str
    seq: int
    person: str
    message_id: str | None = None
    client_msg_id: str | None = None
    message: str | None = None


class History:
    """Records in the order in which they happened, kept in a file as JSON lines."""

    def __init__(self, path: Path) -> None:
        self.records: list[Record] = []
        self.acknowledged = 0
        self.heads: dict[str, int] = {}
        self._file = path.open("ab")

    def add(self, record: Record) -> None:
        self.records.append(record)
        if isinstance(record, Acknowledged):
            self.acknowledged += 1
            self.heads[record.room] = max(record.seq, self.heads.get(record.room, 0))
        self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Record]:
    """The records of a history that was written."""
    decoder = msgspec.json.Decoder(Record)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]


def check(records: Sequence[Record], log: Sequence[Logged]) -> list[str]:
    """Every broken promise in a sentence of its own; none is what we hope for."""
    acknowledged = [record for record in records if isinstance(record, Acknowledged)]
    sent = [record for record in records if isinstance(record, Sent)]
    if not acknowledged:
        return ["nothing was acknowledged: this run shows nothing"]
    return [
        *numbering(log),
        *durability(acknowledged, log),
        *answers(acknowledged),
        *inventions(sent, log),
        *order(sent, acknowledged),
        *sight(records, log),
    ]


def numbering(log: Sequence[Logged]) -> Iterator[str]:
    """A room's seqs are 1 … n, and positions rise with them and are nobody else's."""
    rooms: dict[str, list[Logged]] = defaultdict(list)
    for event in log:
        rooms[event.room].append(event)
    for room, events in rooms.items():
        if sorted(event.seq for event in events) != list(range(1, len(events) + 1)):
            yield f"#{room}: seq is not 1 … {len(events)}"
        by_seq = sorted(events, key=lambda event: event.seq)
        if any(one.position >= other.position for one, other in pairwise(by_seq)):
            yield f"#{room}: position does not rise with seq"
    if len({event.position for event in log}) != len(log):
        yield "two events have one position"


def durability(acknowledged: Iterable[Acknowledged], log: Iterable[Logged]) -> Iterator[str]:
    """What was acknowledged is in its room, once, where the acknowledgement said."""
    found: dict[tuple[str, str, str | None], list[Logged]] = defaultdict(list)
    for event in log:
        if event.message_id is not None:
            found[event.room, event.person, event.client_msg_id].append(event)
    for who, events in found.items():
        if len(events) > 1:
            yield f"{who}: is in its room {len(events)} times"
    for ack in acknowledged:
        there = found.get((ack.room, ack.person, ack.client_msg_id), [])
        where = (ack.seq, ack.position, ack.message_id)
        if where not in [(event.seq, event.position, event.message_id) for event in there]:
            yield f"#{ack.room}: {ack.client_msg_id} was acknowledged as seq {ack.seq} and is not there"


def answers(acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    """Every acknowledgement of one message says the same, and one at most that it is the first."""
    given: dict[tuple[str, str, str], set[tuple[str, int, int]]] = defaultdict(set)
    first: Counter[tuple[str, str, str]] = Counter()
    for ack in acknowledged:
        who = (ack.room, ack.person, ack.client_msg_id)
        given[who].add((ack.message_id, ack.seq, ack.position))
        first[who] += not ack.duplicate
    yield from (f"{who}: was acknowledged in {len(places)} places" for who, places in given.items() if len(places) > 1)
    yield from (f"{who}: was new {times} times" for who, times in first.items() if times > 1)


def inventions(sent: Iterable[Sent], log: Iterable[Logged]) -> Iterator[str]:
    """Nobody said what they did not send."""
    known = {(record.room, record.person, record.client_msg_id, record.message) for record in sent}
    for event in log:
        said = (event.room, event.person, event.client_msg_id, event.message)
        if event.message_id is not None and said not in known:
            yield f"#{event.room} {event.seq}: {event.person} never sent this"


def order(sent: Iterable[Sent], acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    """What was sent one after the other on one connection stands in the room in that order."""
    seqs = {(ack.connection, ack.room, ack.client_msg_id): ack.seq for ack in acknowledged if not ack.duplicate}
    last: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for record in sent:
        line = last[record.connection, record.room]
        line.pop(record.client_msg_id, None)
        line[record.client_msg_id] = None
    for (connection, room), line in last.items():
        places = [seqs[connection, room, one] for one in line if (connection, room, one) in seqs]
        if places != sorted(places):
            yield f"#{room}: what {connection} sent stands in another order"


def sight(records: Iterable[Record], log: Iterable[Logged]) -> Iterator[str]:
    """A watcher gets after + 1, after + 2 …, each once, and each as the log has it."""
    there = {(event.room, event.seq): (event.position, event.message_id) for event in log}
    last: dict[tuple[str, str], int] = {}
    for record in records:
        if isinstance(record, Subscribed):
            last[record.watcher, record.room] = record.after
        elif isinstance(record, Seen):
            expected = last[record.watcher, record.room] + 1
            if record.seq != expected:
                yield f"#{record.room}: {record.watcher} got {record.seq} where {expected} was due"
            last[record.watcher, record.room] = record.seq
            if there.get((record.room, record.seq)) != (record.position, record.message_id):
                yield f"#{record.room}: {record.watcher} saw another event as seq {record.seq} than is there"
