"""What two versions of a projection's tables have in common, and what not. Called within one snapshot of both."""

import time
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from django.db import connection

from projections import checkpoints, parking
from projections.projection import Projection
from projections.sql import rows
from projections.versions import beside_of, key_beside

EXAMPLES = 3
EXCERPT = 40
PIECE = 1000
REST = 0.5
"""PostgreSQL reads so many pages of a table at once, then rests for so much of the time that they took."""
MASK = 2**64 - 1


class Sum(NamedTuple):
    """How many rows a table has, and a checksum of all of them, in whatever order they are."""

    rows: int
    checksum: str


class Compared(NamedTuple):
    """A table in use and the one beside it: rows that say something else, that one has and the other has not.

    The examples are of personal content: they are for the operator's eyes.
    """

    table: str
    in_use: Sum
    beside: Sum
    changed: int = 0
    gone: int = 0
    added: int = 0
    examples: Sequence[str] = ()

    @property
    def equal(self) -> bool:
        return self.in_use == self.beside


class Comparison(NamedTuple):
    """Both versions of a projection at a position: their tables, and how many rooms each has set aside."""

    position: int
    tables: Sequence[Compared]
    parked: int
    parked_beside: int

    @property
    def equal(self) -> bool:
        return all(table.equal for table in self.tables) and self.parked == self.parked_beside


def compare(projection: Projection) -> Comparison | None:
    """Compare both versions, if they are at the same position in this snapshot."""
    position = checkpoints.position(projection.name)
    if position != checkpoints.position(key_beside(projection.name)):
        return None
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("checksum", -1, _Checksum)
    return Comparison(
        position,
        [_compare(table) for table in projection.tables],
        len(parking.find(projection.name)),
        len(parking.find(key_beside(projection.name))),
    )


def _compare(table: str) -> Compared:
    in_use, beside = (_sum(each, table) for each in (table, beside_of(table)))
    if in_use == beside:
        return Compared(table, in_use, beside)
    keys, columns = _columns(table)
    columns = columns or keys  # where all is key, a row is there or not, and never says something else
    same = " AND ".join(f"a.{key} = b.{key}" for key in keys)
    differ = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    ours, theirs = (", ".join(f"{side}.{column}" for column in columns) for side in "ab")
    changed = f"FROM {table} a JOIN {beside_of(table)} b ON {same} WHERE ({ours}) {differ} ({theirs})"
    lacking = f"SELECT count(*) FROM {{}} a WHERE NOT EXISTS (SELECT 1 FROM {{}} b WHERE {same})"
    chosen = ", ".join([*(f"a.{key}" for key in keys), ours, theirs])
    return Compared(
        table,
        in_use,
        beside,
        changed=rows(f"SELECT count(*) {changed}")[0][0],
        gone=rows(lacking.format(table, beside_of(table)))[0][0],
        added=rows(lacking.format(beside_of(table), table))[0][0],
        examples=[_example(keys, columns, row) for row in rows(f"SELECT {chosen} {changed} LIMIT {EXAMPLES}")],
    )


def _sum(name: str, table: str) -> Sum:
    if connection.vendor == "postgresql":
        count, total = _sum_in_pieces(name)
    else:
        keys, columns = _columns(table)
        ((count, total),) = rows(f"SELECT count(*), checksum({', '.join([*keys, *columns])}) FROM {name}")
    return Sum(count, f"{int(total or 0) & MASK:016x}")


def _sum_in_pieces(name: str) -> tuple[int, int]:
    """How many rows a table has on PostgreSQL, and the sum of their hashes. What comes meanwhile it does not see."""
    ((pages,),) = rows("SELECT pg_relation_size(%s) / current_setting('block_size')::bigint", [name])
    count = total = 0
    for begin in range(0, pages, PIECE):
        began = time.monotonic()
        ((counted, hashed),) = rows(
            f"SELECT count(*), coalesce(sum(hash_record_extended(t, 0)), 0) FROM {name} t "
            "WHERE ctid >= %s::tid AND ctid < %s::tid",
            [f"({begin},0)", f"({begin + PIECE},0)"],
        )
        count, total = count + counted, total + int(hashed)
        time.sleep(REST * (time.monotonic() - began))
    return count, total


def _columns(table: str) -> tuple[list[str], list[str]]:
    """The columns of a table: those that are its key, and the others."""
    with connection.cursor() as cursor:
        keys = connection.introspection.get_primary_key_columns(cursor, table) or []
        columns = [column.name for column in connection.introspection.get_table_description(cursor, table)]
    return keys, [column for column in columns if column not in keys]


def _example(keys: Sequence[str], columns: Sequence[str], row: Sequence[Any]) -> str:
    """Which row it is, and where it begins to differ. Nothing in it can command a terminal."""
    where, before, after = row[: len(keys)], row[len(keys) :][: len(columns)], row[len(keys) + len(columns) :]
    differences = [
        f"{column} {_excerpt(old, new)} → {_excerpt(new, old)}"
        for column, old, new in zip(columns, before, after, strict=True)
        if old != new
    ]
    return f"{', '.join(map(str, where))}: {'; '.join(differences)}"


def _excerpt(value: Any, other: Any) -> str:
    """A value from just before where it differs from the other."""
    mine, others = _text(value), _text(other)
    pairs = zip(mine, others, strict=False)
    begin = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(mine), len(others)))
    begin = max(0, begin - EXCERPT // 4)
    return ascii(("…" if begin else "") + mine[begin : begin + EXCERPT]).replace("\\u2026", "…")


def _text(value: Any) -> str:
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else str(value)


class _Checksum:
    """SQLite's lack of a hash function, mended."""

    def __init__(self) -> None:
        self._sum = 0

    def step(self, *values: Any) -> None:
        """Add a row."""
        self._sum += int.from_bytes(blake2b(repr(values).encode(), digest_size=8).digest())

    def finalize(self) -> str:
        """A number that SQLite could not hold."""
        return str(self._sum)
