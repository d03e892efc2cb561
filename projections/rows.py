"""Sets of rows, on Django's own connection: PostgreSQL takes arrays, SQLite a prepared statement many times."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import batched
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from commands.postgres_arrays import BigintArray, BytesArray, TextArray, register
from projections import sql
from projections.versions import is_beside, placed

PIECE = 1500
PAUSE = 0.25
"""Beside, after so many rows it pauses for so much of the time that they took."""

type Row = tuple[Any, ...]


class Table(NamedTuple):
    """A table to be written in sets: its columns with their PostgreSQL types, the first `keys` of them its key."""

    name: str
    columns: Mapping[str, str]
    keys: int = 1


def insert(table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that are not there yet; on PostgreSQL by COPY, at half the cost of `upsert`.

    Beside it pauses now and then: PostgreSQL has a core for itself meanwhile, and requests would queue up behind it.
    """
    names = ", ".join(table.columns)
    if connection.vendor == "postgresql":
        for piece in batched(rows, PIECE, strict=False):
            began = time.monotonic()
            _copy(f"COPY {placed(table.name)} ({names}) FROM STDIN (FORMAT BINARY)", table, piece)
            if is_beside() and len(piece) == PIECE:
                time.sleep(PAUSE * (time.monotonic() - began))
    else:
        places = ", ".join(["%s"] * len(table.columns))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {placed(table.name)} ({names}) VALUES ({places})", rows)


def _copy(copying: str, table: Table, rows: Sequence[Row]) -> None:
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(connection.connection) as ours,
        ours.copy(copying.encode()) as copy,
    ):
        copy.set_types(list(table.columns.values()))
        for row in rows:
            copy.write_row(row)


def upsert(table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, or replace what is there under their keys. No key may occur twice in `rows`."""
    changes = ", ".join(f"{name} = excluded.{name}" for name in list(table.columns)[table.keys :])
    _put(table, rows, f"UPDATE SET {changes}")


def insert_new(table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, but for those under whose keys there is something already. No key may occur twice in `rows`.

    Beside, while the table has no key, all are inserted; those that are too many go when the key is made.
    """
    if is_beside() and not _has_key(table):
        insert(table, rows)
    else:
        _put(table, rows, "NOTHING")


def _has_key(table: Table) -> bool:
    keys = "SELECT FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'"
    return connection.vendor == "sqlite" or bool(sql.rows(keys, [placed(table.name)]))


def _put(table: Table, rows: Sequence[Row], what: str) -> None:
    if not rows:
        return
    names = list(table.columns)
    conflict = f"ON CONFLICT ({', '.join(names[: table.keys])}) DO {what}"
    into = f"INSERT INTO {placed(table.name)} ({', '.join(names)})"
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in table.columns.values())
        _on_postgresql(
            f"{into} SELECT * FROM unnest({arrays}) {conflict}",
            [_pack(kind, c) for kind, c in zip(table.columns.values(), zip(*rows, strict=True), strict=True)],
        )
    else:
        with connection.cursor() as cursor:
            cursor.executemany(f"{into} VALUES ({', '.join(['%s'] * len(names))}) {conflict}", rows)


def select(table: Table, key: str, values: Sequence[str]) -> list[Row]:
    """The rows whose `key` is one of `values`, with all columns of the table, in no order."""
    if not values:
        return []
    columns = ", ".join(table.columns)
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {placed(table.name)} WHERE {key} IN ({places})", list(values))
        rows: list[Row] = cursor.fetchall()
    return rows


def select_one(table: Table, key: Row) -> Row | None:
    """The row under this whole key, with all columns of the table, if there is one."""
    columns = list(table.columns)
    same = " AND ".join(f"{column} = %s" for column in columns[: table.keys])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {placed(table.name)} WHERE {same}", key)
        row: Row | None = cursor.fetchone()
    return row


def select_pairs(table: Table, keys: tuple[str, str], pairs: Sequence[tuple[str, str]]) -> list[Row]:
    """The rows in which these two text columns are one of `pairs`, with all columns of the table, in no order.

    One probe of the index on them for each pair (no two rows have the same), however large the table is: left to
    choose, both databases would read all of it for a large batch.
    """
    if not pairs:
        return []
    found = f"SELECT {', '.join(table.columns)} FROM {{}} WHERE {keys[0]} = wanted.a AND {keys[1]} = wanted.b"
    if connection.vendor == "postgresql":
        probe = found.format(placed(table.name))
        return _on_postgresql(
            "SELECT found.* FROM unnest(%s::text[], %s::text[]) wanted (a, b) "
            f"CROSS JOIN LATERAL ({probe} LIMIT 1) found",
            [TextArray.of(column) for column in zip(*pairs, strict=True)],
        )
    places = ", ".join(["(%s, %s)"] * len(pairs))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH wanted (a, b) AS (VALUES {places}) {found.format(f'wanted CROSS JOIN {placed(table.name)}')}",
            [part for pair in pairs for part in pair],
        )
        rows: list[Row] = cursor.fetchall()
    return rows


def select_under(table: Table, keys: Sequence[tuple[str, int]]) -> list[Row]:
    """Every row whose key begins with one of these pairs, with all columns of the table, in no order."""
    if not keys:
        return []
    first, second = list(table.columns)[:2]
    found = f"SELECT {', '.join(table.columns)} FROM {{}} WHERE {first} = gone.a AND {second} = gone.b"
    if connection.vendor == "postgresql":  # OFFSET 0: one probe of the key for each pair, however large the table is
        return _on_postgresql(
            "SELECT found.* FROM unnest(%s::text[], %s::bigint[]) gone (a, b) "
            f"CROSS JOIN LATERAL ({found.format(placed(table.name))} OFFSET 0) found",
            [_pack(kind, column) for kind, column in zip(("text", "bigint"), zip(*keys, strict=True), strict=True)],
        )
    places = ", ".join(["(%s, %s)"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH gone (a, b) AS (VALUES {places}) {found.format(f'gone CROSS JOIN {placed(table.name)}')}",
            [part for key in keys for part in key],
        )
        rows: list[Row] = cursor.fetchall()
    return rows


def select_after(
    table: Table, where: tuple[str, str], order: tuple[str, str], after: tuple[Any, int], limit: int
) -> list[Row]:
    """The next rows in which a column has a value, in the `order` of two columns, after a pair, with all columns."""
    column, value = where
    by = ", ".join(order)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(table.columns)} FROM {placed(table.name)} WHERE {column} = %s AND ({by}) > (%s, %s) "
            f"ORDER BY {by} LIMIT %s",
            [value, *after, limit],
        )
        rows: list[Row] = cursor.fetchall()
    return rows


def delete_under(table: Table, keys: Sequence[tuple[str, int]]) -> None:
    """Delete every row whose key begins with one of these pairs."""
    first, second = list(table.columns)[:2]
    if keys and connection.vendor == "postgresql":
        _on_postgresql(
            f"DELETE FROM {placed(table.name)} USING unnest(%s::text[], %s::bigint[]) gone (a, b) "
            f"WHERE {first} = gone.a AND {second} = gone.b",
            [_pack(kind, column) for kind, column in zip(("text", "bigint"), zip(*keys, strict=True), strict=True)],
        )
    elif keys:
        with connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM {placed(table.name)} WHERE {first} = %s AND {second} = %s", keys)


def _on_postgresql(statement: str, arrays: list[Any]) -> list[Row]:
    """Past Django's own cursor, which would write every array into the statement as text. Errors are Django's."""
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        register(cursor)
        cursor.execute(statement.encode(), arrays)
        return cursor.fetchall() if cursor.description else []


_PACKED: dict[str, Callable[[Sequence[Any]], bytes]] = {
    "bigint": BigintArray.of,
    "bytea": BytesArray.of,
}


def _pack(kind: str, column: tuple[Any, ...]) -> Any:
    """A column as one array, packed at once if it is text, or nothing in it is NULL."""
    if kind == "text":
        return TextArray.of(column)
    return _PACKED[kind](column) if kind in _PACKED and None not in column else list(column)
