"""The tutorial's own table, `chat_message` (room, handle, message, timestamp): a SQLite file, or a dump of it."""

import csv
import io
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from archive.lines import UNREADABLE
from archive.retold import Retold
from archive.sources import Damaged, Labels, Source, person_of
from commands.clock import from_rfc3339
from commands.restoring import Decided

SOURCE = "guide"
SQLITE = b"SQLite format 3\0"


class Row(NamedTuple):
    """A message. `at` is in Unix milliseconds."""

    room: str
    at: int
    number: int
    handle: str
    message: str


class Dumped(msgspec.Struct):
    """A row as Django's `dumpdata` writes it."""

    model: str
    pk: int | str
    fields: dict[str, Any]


class Guide(Source):
    """The table as a source of events, room by room."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def decided(self) -> Iterator[Decided]:
        """Every event. Who has the same handle is the same person. Raises: Damaged, with the row."""
        self.skipped.clear()
        labels = Labels()
        for name, rows in groupby(sorted(self._rows()), key=lambda row: row.room):
            room: Retold | None = None
            for row in rows:
                person = person_of(SOURCE, row.handle)
                if room is None:
                    room = Retold(SOURCE, labels.give(name), person, self.skipped)
                    yield from room.open(row.at, name)
                yield from room.post(row.at, str(row.number), person, row.handle, row.message)

    def _rows(self) -> Iterator[Row]:
        """Raises: Damaged."""
        for number, told in enumerate(self._told(), 1):
            try:
                message = str(told["message"] or "")
                if not message.strip():
                    self.skipped["empty messages"] += 1
                    continue
                yield Row(_room(told["room"]), _ms(told["timestamp"]), number, str(told["handle"] or ""), message)
            except (KeyError, ValueError, OverflowError) as error:
                raise Damaged(f"{self._path.name}, row {number}: {_reason(error)}") from None

    def _told(self) -> Iterable[dict[str, Any]]:
        try:
            with self._path.open("rb") as file:
                begins = file.read(len(SQLITE))
                if begins == SQLITE:
                    return _of_sqlite(self._path)
                text = (begins + file.read()).decode("utf-8-sig")
            return _of_json(text) if text.lstrip()[:1] in ("[", "{") else _of_csv(text)
        except OSError as error:
            raise Damaged(f"{self._path}: {error.strerror}") from None
        except (sqlite3.Error, csv.Error, *UNREADABLE) as error:
            raise Damaged(f"{self._path.name}: {error}") from None


def _of_sqlite(path: Path) -> list[dict[str, Any]]:
    """The rows of `chat_message`; where it has a room's number, with its label. Raises: sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        columns = {row["name"] for row in connection.execute("PRAGMA table_info(chat_message)")}
        if "room_id" in columns and "room" not in columns:
            statement = _WITH_LABELS
        else:
            statement = "SELECT * FROM chat_message ORDER BY rowid"
        return [dict(row) for row in connection.execute(statement)]


_WITH_LABELS = "SELECT r.label AS room, m.* FROM chat_message m JOIN chat_room r ON r.id = m.room_id ORDER BY m.id"


def _of_json(text: str) -> list[dict[str, Any]]:
    """A list of rows, or what Django's `dumpdata` writes. Raises: MsgspecError."""
    told = msgspec.json.decode(text, type=list[dict[str, Any]])
    dumped = [msgspec.convert(each, Dumped) for each in told if each.get("model") in ("chat.room", "chat.message")]
    rooms = {str(each.pk): each.fields.get("label") for each in dumped if each.model == "chat.room"}
    rows = [each.fields for each in dumped if each.model == "chat.message"]
    if not rows:
        return told
    return [{**row, "room": rooms.get(str(row.get("room")), row.get("room"))} for row in rows]


def _of_csv(text: str) -> list[dict[str, Any]]:
    """Rows under the names of their columns. Raises: csv.Error."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def _room(name: object) -> str:
    """Raises: ValueError."""
    if name is None:
        raise ValueError("it is in no room")
    return str(name)


def _ms(timestamp: object) -> int:
    """A time as databases write it; without a zone it is in UTC. Raises: ValueError, OverflowError."""
    if isinstance(timestamp, int | float):
        return int(timestamp * 1000)
    moment = datetime.fromisoformat(str(timestamp))
    return from_rfc3339((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat())


def _reason(error: Exception) -> str:
    return f"there is no column {error}" if isinstance(error, KeyError) else str(error)
