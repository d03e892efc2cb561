"""The tables beside, on SQLite: in the same file under names of their own, until they change places.

One process at a time writes to the file, so each transaction here is short, and after each one we rest for longer.
SQLite lets those who wait try again after 1, 3, 8, 18, 33 … ms: one of these has to be while we rest.
"""

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db import connection, transaction

from commands.subscription import Fact
from projections.projection import Projection
from projections.sql import rows, run
from projections.versions import beside_of

HOLD_S = 0.003
MIN_REST_S = 0.016
REST = 5
MAX_PORTION = 2000
CHECKPOINT_EVERY_S = 0.5
_DEFINITION = re.compile(r'^(CREATE (?:TABLE|(?:UNIQUE )?INDEX)) "?(\w+)"?(?: ON "?(\w+)"?)?', re.IGNORECASE)


class SQLiteTables:
    """See `Tables`. Their definitions come from the schema, so that they are what the migrations made of them."""

    def __init__(self, projection: Projection) -> None:
        self._names = list(projection.tables)
        self._portion = 20
        self._checkpointed_at = 0.0

    def shape(self) -> str:
        """See `Tables.shape`."""
        return repr(self._definitions())

    def are_made(self) -> bool:
        """See `Tables.are_made`."""
        made = {sql for _, _, sql in self._entries([beside_of(name) for name in self._names]) if sql}
        return made == set(self._definitions())

    def make(self) -> None:
        """See `Tables.make`."""
        with transaction.atomic():
            for definition in self._definitions():
                run(definition)

    def remove(self) -> None:
        """See `Tables.remove`. Rows go bit by bit: what is deleted is overwritten, which takes its time."""
        there = {name for name, _, _ in self._entries([beside_of(name) for name in self._names])}
        for table in map(beside_of, self._names):
            while table in there and rows(f"SELECT 1 FROM {table} LIMIT 1"):
                self._briefly(partial(run, _FIRST_ROWS.format(table), [self._portion]))
            run(f"DROP TABLE IF EXISTS {table}")

    def write(self, apply: Callable[[Sequence[Fact]], None], facts: Sequence[Fact]) -> None:
        """See `Tables.write`."""
        run("PRAGMA cache_size = -65536")
        run("PRAGMA wal_autocheckpoint = 0")
        rest = facts
        while rest:
            portion, rest = rest[: self._portion], rest[self._portion :]
            self._briefly(partial(apply, portion))

    def finish(self) -> None:
        """See `Tables.finish`: here is nothing to do."""

    def meet[T](self, advance: Callable[[], bool], look: Callable[[], T | None]) -> T | None:
        """See `Tables.meet`. It looks when it has let go of the file, before anybody else has written to it."""
        with transaction.atomic():
            if not advance():
                return None
        run("BEGIN")
        try:
            return look()
        finally:
            run("ROLLBACK")

    def exchange(self, advance: Callable[[], bool], and_then: Callable[[], None]) -> bool:
        """See `Tables.exchange`."""
        with transaction.atomic():
            if not advance():
                return False
            self._change_places()
            and_then()
        return True

    def _change_places(self) -> None:
        """Exchange where the rows are found, and let names and definitions be.

        Both have the same definition, and SQLite cannot rename an index. Everybody else sees the new schema version,
        and reads the schema again (https://sqlite.org/pragma.html#pragma_writable_schema).
        """
        roots = {name: root for name, root, _ in self._entries(self._names)}
        roots_beside = {name: root for name, root, _ in self._entries([beside_of(name) for name in self._names])}
        pairs = {name: _renamed(name, roots_beside) for name in roots}
        (version,) = rows("PRAGMA schema_version")[0]
        connection.connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, False)
        run("PRAGMA writable_schema = ON")
        try:
            for name, other in pairs.items():
                run(_MOVE, [roots_beside[other], name])
                run(_MOVE, [roots[name], other])
            run(f"PRAGMA schema_version = {version + 1}")
        finally:
            run("PRAGMA writable_schema = RESET")

    def _definitions(self) -> list[str]:
        """The statements that define the tables beside, tables first."""
        definitions = [_DEFINITION.sub(_beside, sql) for _, _, sql in self._entries(self._names) if sql]
        return sorted(definitions, key=lambda sql: ("TABLE" not in sql[:12].upper(), sql))

    def _entries(self, tables: Sequence[str]) -> list[tuple[Any, ...]]:
        places = ", ".join(["%s"] * len(tables))
        statement = f"SELECT name, rootpage, sql FROM sqlite_schema WHERE tbl_name IN ({places}) ORDER BY rowid"
        return rows(statement, tables)

    def _briefly(self, work: Callable[[], None]) -> None:
        """Have a portion worked on alone, adapt its size to the time that it took, and let others have their turn."""
        with transaction.atomic():
            began = time.monotonic()
            work()
        took_s = time.monotonic() - began
        self._rest(took_s)
        self._portion = max(1, min(MAX_PORTION, int(self._portion * min(2.0, HOLD_S / max(took_s, 1e-6)))))

    def _rest(self, worked_s: float) -> None:
        """Let others have the file; meanwhile, now and then, move what we wrote where nobody else has to move it."""
        until = time.monotonic() + max(MIN_REST_S, worked_s * REST)
        if until > self._checkpointed_at + CHECKPOINT_EVERY_S:
            run("PRAGMA wal_checkpoint(PASSIVE)")
            self._checkpointed_at = time.monotonic()
        time.sleep(max(0.0, until - time.monotonic()))


_FIRST_ROWS = "DELETE FROM {0} WHERE rowid IN (SELECT rowid FROM {0} ORDER BY rowid LIMIT %s)"
_MOVE = "UPDATE sqlite_schema SET rootpage = %s WHERE name = %s"


def _beside(found: re.Match[str]) -> str:
    what, name, table = found.groups()
    return f'{what} "{beside_of(name)}"' + (f' ON "{beside_of(table)}"' if table else "")


def _renamed(name: str, there: dict[str, int]) -> str:
    """What corresponds to a table or an index in use. Raises: KeyError."""
    automatic = "sqlite_autoindex_"
    other = automatic + beside_of(name.removeprefix(automatic)) if name.startswith(automatic) else beside_of(name)
    if other not in there:
        raise KeyError(other)
    return other
