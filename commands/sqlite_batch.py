"""One batch on SQLite: conditions checked, events numbered, rows inserted, within a transaction that holds the lock."""

import sqlite3
from collections import OrderedDict

from commands.events import Numbered
from commands.store import Condition, Conflict, Entry, NewEvent, Outcome

MAX_REMEMBERED = 50_000

_HEAD = "SELECT MAX(originator_version) FROM stored_events WHERE originator_id = ?"
_LAST = "SELECT MAX(originator_version) FROM stored_events WHERE originator_id = ? AND subject = ?"
_POSITION = "SELECT seq FROM sqlite_sequence WHERE name = 'stored_events'"
_FIND = "SELECT originator_version, rowid FROM stored_events WHERE originator_id = ? AND subject = ? AND state = ?"
_INSERT = (
    "INSERT INTO stored_events (rowid, originator_id, originator_version, topic, state, subject) VALUES (?,?,?,?,?,?)"
)


class Memory:
    """What the writing thread knows of the store without asking: heads of streams and last seqs of subjects.

    True for as long as nobody else writes: SQLite's `data_version` changes when another connection has committed.
    """

    def __init__(self) -> None:
        self.position = 0
        self.heads: OrderedDict[str, int] = OrderedDict()
        self.subjects: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._version = -1

    def refresh(self, connection: sqlite3.Connection) -> None:
        """Within a transaction: keep what is known if it is still true."""
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self.forget()
            self._version = version
            row = connection.execute(_POSITION).fetchone()
            self.position = row[0] if row else 0

    def forget(self) -> None:
        """Know nothing: the next batch asks."""
        self._version = -1
        self.heads.clear()
        self.subjects.clear()

    def trim(self) -> None:
        """Forget the longest known beyond the bound."""
        for known in (self.heads, self.subjects):
            while len(known) > MAX_REMEMBERED:
                known.popitem(last=False)


class Batch:
    """The entries of one transaction. Each is checked against what was recorded before the batch."""

    def __init__(self, connection: sqlite3.Connection, memory: Memory) -> None:
        self._connection = connection
        self._memory = memory
        self._rows: list[tuple[int, str, int, str, bytes, str]] = []
        memory.refresh(connection)

    def add(self, entry: Entry) -> Outcome:
        """Number an entry's events if its conditions hold."""
        if all(self._holds(entry.stream, condition) for condition in entry.conditions):
            return [self._number(entry.stream, event) for event in entry.events]
        return Conflict()

    def resolve(self, entry: Entry) -> Outcome:
        """The numbers of an entry that was recorded already, else `add` it."""
        found = [
            self._connection.execute(_FIND, (entry.stream, event.subject, event.state)).fetchone()
            for event in entry.events
        ]
        if all(found):
            return [Numbered._make(row) for row in found]
        return self.add(entry)

    def insert(self) -> None:
        """Insert what was numbered."""
        self._connection.executemany(_INSERT, self._rows)
        self._memory.trim()

    def _holds(self, stream: str, condition: Condition) -> bool:
        key = (stream, condition.subject)
        last = self._memory.subjects.get(key)
        if last is None:
            last = self._connection.execute(_LAST, key).fetchone()[0] or 0
            if not condition.subject.startswith(("message:", "reaction:")):
                self._memory.subjects[key] = last
        return last <= condition.after_seq

    def _number(self, stream: str, event: NewEvent) -> Numbered:
        memory = self._memory
        head = memory.heads.get(stream)
        if head is None:
            head = self._connection.execute(_HEAD, (stream,)).fetchone()[0] or 0
        memory.position += 1
        memory.heads[stream] = head + 1
        if (stream, event.subject) in memory.subjects:
            memory.subjects[stream, event.subject] = head + 1
        self._rows.append((memory.position, stream, head + 1, event.topic, event.state, event.subject))
        return Numbered(head + 1, memory.position)
