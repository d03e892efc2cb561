"""What clients did and saw while a server was treated badly, as JSON lines. What must hold of it is in promises.py."""

import time
from pathlib import Path

import msgspec


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, `at` a time of the monotonic clock, in seconds."""

    at: float = msgspec.field(default_factory=time.monotonic)


class Sent(Moment, frozen=True, kw_only=True, tag="sent"):
    """A client is about to send a message, for the first time or again. `connection` is one socket or REST client."""

    connection: str
    person: str
    room: str
    client_msg_id: str
    message: str


class Acknowledged(Moment, frozen=True, kw_only=True, tag="acknowledged"):
    """The server said that a message is in its room."""

    connection: str
    person: str
    room: str
    client_msg_id: str
    message_id: str
    seq: int
    position: int
    duplicate: bool


class Subscribed(Moment, frozen=True, kw_only=True, tag="subscribed"):
    """From here on a watcher is to get every event of a room after this seq."""

    watcher: str
    room: str
    after: int


class Seen(Moment, frozen=True, kw_only=True, tag="seen"):
    """A watcher got an event."""

    watcher: str
    room: str
    seq: int
    position: int
    message_id: str | None
    message: str | None


class CutOff(Moment, frozen=True, kw_only=True, tag="cut off"):
    """A client lost its connection, or was sent away."""

    client: str


class Resumed(Moment, frozen=True, kw_only=True, tag="resumed"):
    """A client that was cut off is served again: it was answered, or has caught up."""

    client: str


class Read(Moment, frozen=True, kw_only=True, tag="read"):
    """A reader was given the newest `limit` messages of a room, as seq and message_id."""

    reader: str
    room: str
    min_position: int | None
    limit: int
    head_seq: int
    position: int
    items: list[tuple[int, str]]


class Struck(Moment, frozen=True, kw_only=True, tag="struck"):
    """Something begins to be done to the deployment, after so many acknowledgements."""

    fault: str
    acknowledged: int


class Mended(Moment, frozen=True, kw_only=True, tag="mended"):
    """What was struck is back."""

    fault: str


type Record = Sent | Acknowledged | Subscribed | Seen | CutOff | Resumed | Read | Struck | Mended


class History:
    """Records in the order in which they happened, kept in a file as JSON lines.

    `heads` and `positions` are the largest seq and position that were acknowledged in each room; `answered` is when the
    youngest message was sent that has its acknowledgement.
    """

    def __init__(self, path: Path) -> None:
        self.records: list[Record] = []
        self.acknowledged = 0
        self.heads: dict[str, int] = {}
        self.positions: dict[str, int] = {}
        self.answered = 0.0
        self._sent: dict[tuple[str, str], float] = {}
        self._file = path.open("ab")

    def add(self, record: Record) -> None:
        self.records.append(record)
        if isinstance(record, Sent):
            self._sent[record.connection, record.client_msg_id] = record.at
        if isinstance(record, Acknowledged):
            self.acknowledged += 1
            self.heads[record.room] = max(record.seq, self.heads.get(record.room, 0))
            self.positions[record.room] = max(record.position, self.positions.get(record.room, 0))
            began = self._sent.pop((record.connection, record.client_msg_id), 0.0)
            self.answered = max(self.answered, began)
        self._file.write(msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Record]:
    """The records of a history that was written."""
    decoder = msgspec.json.Decoder(Record)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()]
