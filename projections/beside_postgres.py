"""The tables beside, on PostgreSQL: in a schema of their own, under the same names, until they change places."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import OperationalError, transaction

from commands.subscription import Fact
from projections.projection import Projection
from projections.rows import Table
from projections.sql import rows, run
from projections.versions import SCHEMA

IN_USE = "public"
PASSING = "passing"
"""A schema that exists for the moment in which tables change places."""
ANALYZE_DELAY = "4ms"
"""For so long ANALYZE rests after each portion of pages (`vacuum_cost_delay`)."""
SETTLED = "10s"
PATIENT = "30ms"
"""Longer than this nobody waits behind a lock that we have not got: then we step back and try again."""

_COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attcollation::text,
    pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = %s AND c.relname = ANY (%s) ORDER BY c.relname, a.attnum
"""
_CONSTRAINTS = """
SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s) AND k.contype IN ('p', 'u', 'x') ORDER BY c.relname, k.conname
"""
_INDEXES = """
SELECT o.relname, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class o ON o.oid = i.indexrelid
WHERE n.nspname = %s AND c.relname = ANY (%s)
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid) ORDER BY 1, 2
"""
_OPTIONS = """
SELECT c.relname, array_to_string(c.reloptions, ', ')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = ANY (%s) AND c.reloptions IS NOT NULL
"""
_GRANTS = """
SELECT c.relname, g.privilege_type, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) g
WHERE n.nspname = %s AND c.relname = ANY (%s) AND g.grantee <> c.relowner
"""


class PostgresTables:
    """See `Tables`. Their definitions come from the catalog, so that they are what the migrations made of them.

    Keys that the projection does not need while it fills its tables are made when it has done so.
    """

    def __init__(self, projection: Projection) -> None:
        self._names = list(projection.tables)
        self._unkeyed = {table.name for table in projection.unkeyed}
        self._repeating = {table.name: table for table in projection.repeating}

    def shape(self) -> str:
        """See `Tables.shape`."""
        return repr(([self._look(each, IN_USE) for each in (_COLUMNS, _CONSTRAINTS)], self._indexes(IN_USE)))

    def are_made(self) -> bool:
        """See `Tables.are_made`."""
        if self._look(_COLUMNS, SCHEMA) != self._look(_COLUMNS, IN_USE):
            return False
        if self._indexes(SCHEMA) != self._indexes(IN_USE):
            return False
        constraints = {*self._look(_CONSTRAINTS, SCHEMA)}
        return constraints <= {*self._look(_CONSTRAINTS, IN_USE)} and self._unkeyed >= {*self._missing_keys()}

    def make(self) -> None:
        """See `Tables.make`. What an operator has set for the tables in use, and granted on them, is kept."""
        with transaction.atomic():
            if not rows("SELECT FROM pg_namespace WHERE nspname = %s", [SCHEMA]):
                run(f"CREATE SCHEMA {SCHEMA}")
            for name in self._names:
                self._make_table(name)
            for name in {*self._names} - self._unkeyed:
                self._make_keys(name)
            self._make_indexes()

    def remove(self) -> None:
        """See `Tables.remove`."""
        run(f"DROP TABLE IF EXISTS {', '.join(f'{SCHEMA}.{name}' for name in self._names)}")

    def write(self, apply: Callable[[Sequence[Fact]], None], facts: Sequence[Fact]) -> None:
        """See `Tables.write`.

        Nobody is told of these commits, so none waits for the disk: after a power failure the rows and their checkpoint
        are older, together.
        """
        with transaction.atomic():
            run("SET LOCAL synchronous_commit = off")
            apply(facts)

    def finish(self) -> None:
        """See `Tables.finish`."""
        for name in self._missing_keys():
            with self._making():
                if name in self._repeating:
                    self._leave_least(self._repeating[name])
                self._make_keys(name)
        for name in self._names:
            with transaction.atomic():
                run(f"SET LOCAL vacuum_cost_delay = '{ANALYZE_DELAY}'; ANALYZE {SCHEMA}.{name}")

    def meet[T](self, advance: Callable[[], bool], look: Callable[[], T | None]) -> T | None:
        """See `Tables.meet`. In its snapshot a transaction sees its own writes, and the version in use stands still."""
        with transaction.atomic():
            run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            run("SET LOCAL synchronous_commit = off; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off")
            run("SET LOCAL max_parallel_workers_per_gather = 0")
            return look() if advance() else None

    def exchange(self, advance: Callable[[], bool], and_then: Callable[[], None]) -> bool:
        """See `Tables.exchange`.

        The first locks send autovacuum away, from both versions, and let everybody read and write; under them we wait
        for the runner's batch to end. Only the last one stops readers, when nothing is left to do but to change names.
        Tables that lack a key are never put in use.
        """
        if self._missing_keys():
            self.finish()
        try:
            with transaction.atomic():
                self._lock(SCHEMA, "SHARE UPDATE EXCLUSIVE", SETTLED)
                self._lock(IN_USE, "SHARE UPDATE EXCLUSIVE", SETTLED)
                if not advance():
                    return False
                self._lock(IN_USE, "ACCESS EXCLUSIVE", PATIENT)
                self._change_places()
                and_then()
        except OperationalError as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable | psycopg.errors.DeadlockDetected):
                return False
            raise
        return True

    def _lock(self, schema: str, mode: str, patience: str) -> None:
        run(f"SET LOCAL lock_timeout = '{patience}'")
        run(f"LOCK TABLE {', '.join(f'{schema}.{name}' for name in self._names)} IN {mode} MODE")

    def _change_places(self) -> None:
        run(f"CREATE SCHEMA {PASSING}")
        for source, target in ((IN_USE, PASSING), (SCHEMA, IN_USE), (PASSING, SCHEMA)):
            for name in self._names:
                run(f"ALTER TABLE {source}.{name} SET SCHEMA {target}")
        run(f"DROP SCHEMA {PASSING}")

    @contextmanager
    def _making(self) -> Iterator[None]:
        """A transaction in which much is sorted, by one process."""
        with transaction.atomic():
            run("SET LOCAL synchronous_commit = off; SET LOCAL maintenance_work_mem = '128MB'; SET LOCAL jit = off")
            run("SET LOCAL max_parallel_maintenance_workers = 0; SET LOCAL work_mem = '128MB'")
            yield

    def _missing_keys(self) -> list[str]:
        """The tables that are to have a key, and have none."""
        there = {(name, key) for name, key, _ in self._look(_CONSTRAINTS, SCHEMA)}
        return sorted({name for name, key, _ in self._look(_CONSTRAINTS, IN_USE) if (name, key) not in there})

    def _make_table(self, table: str) -> None:
        run(f"CREATE TABLE {SCHEMA}.{table} (LIKE {IN_USE}.{table} INCLUDING ALL EXCLUDING INDEXES)")
        for name, options in self._look(_OPTIONS, IN_USE):
            if name == table:
                run(f"ALTER TABLE {SCHEMA}.{name} SET ({options})")
        for name, privilege, grantee in self._look(_GRANTS, IN_USE):
            if name == table:
                run(f"GRANT {privilege} ON {SCHEMA}.{name} TO {grantee}")

    def _leave_least(self, table: Table) -> None:
        """Of rows with the same key, leave the least, and all in the order of keys."""
        name, columns = table.name, list(table.columns)
        run(f"ALTER TABLE {SCHEMA}.{name} RENAME TO {PASSING}_{name}")
        self._make_table(name)
        run(
            f"INSERT INTO {SCHEMA}.{name} SELECT DISTINCT ON ({', '.join(columns[: table.keys])}) * "
            f"FROM {SCHEMA}.{PASSING}_{name} ORDER BY {', '.join(columns)}"
        )
        run(f"DROP TABLE {SCHEMA}.{PASSING}_{name}")
        self._make_indexes()

    def _make_keys(self, table: str) -> None:
        for name, constraint, definition in self._look(_CONSTRAINTS, IN_USE):
            if name == table:
                run(f'ALTER TABLE {SCHEMA}.{name} ADD CONSTRAINT "{constraint}" {definition}')

    def _make_indexes(self) -> None:
        """Make all that are missing."""
        there = self._indexes(SCHEMA)
        for name, definition in self._indexes(IN_USE).items():
            if name not in there:
                run(definition.replace(" ON ", f" ON {SCHEMA}.", 1))

    def _indexes(self, schema: str) -> dict[str, str]:
        """How each index is defined, leaving the schema out."""
        return {
            name: definition.replace(f" ON {schema}.", " ON ", 1) for name, definition in self._look(_INDEXES, schema)
        }

    def _look(self, statement: str, schema: str) -> list[tuple[Any, ...]]:
        return rows(statement, [schema, self._names])
