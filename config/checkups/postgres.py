"""PostgreSQL: reachable, durable, and set up for what Verbatim does with it."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
from django.conf import settings

from commands.postgres_connection import conninfo
from commands.postgres_schema import APPEND_NAME
from config.checkups import keys, projections
from config.checkups.findings import Finding, Findings, ok, problem, warning
from config.checkups.projections import FirstAfter

type Connection = psycopg.Connection[tuple[Any, ...]]

MIN_VERSION = 14
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
MIB = 1024 * 1024
BETTER = {
    "shared_buffers": (256 * MIB, "a quarter of the memory"),
    "max_wal_size": (8192 * MIB, "8GB, so that checkpoints are rare"),
    "min_wal_size": (2048 * MIB, "2GB, so that WAL files are used again: commits wait while one is made"),
    "checkpoint_timeout": (900, "15min, so that checkpoints are rare"),
}
"""Settings, the least that each should be, in bytes or seconds, and what to set."""
UNITS = {"8kB": 8192, "kB": 1024, "MB": MIB, "s": 1, "min": 60}
PER_WEB, PER_WORKER = 12, 12
"""Connections of one process at most: the writer's, the listener's, and two pools."""
MAX_SKEW_S = 2.0
BEYOND_ALL = 2**62
FIRST_AFTER = (
    f"SELECT state FROM public.stored_events WHERE notification_id > %s AND notification_id < {BEYOND_ALL} "  # noqa: S608
    "ORDER BY notification_id LIMIT 1"
)


def check() -> Findings:
    """Connect, past the pooler too if there is one, and ask."""
    try:
        with psycopg.connect(conninfo(settings.DATABASE_URL), autocommit=True) as connection:
            yield from _look(connection, projections.check)
        if settings.DIRECT_DATABASE_URL:
            psycopg.connect(conninfo(settings.DIRECT_DATABASE_URL)).close()
            yield ok("DIRECT_DATABASE_URL", "reached")
    except psycopg.Error as error:
        yield problem("PostgreSQL", " ".join(str(error).split()))


def _look(connection: Connection, check_projections: Callable[[FirstAfter | None], Findings]) -> Findings:
    info = connection.info
    version = info.server_version // 10_000
    where = f"{info.server_version // 10_000}.{info.server_version % 10_000} at {info.host}:{info.port}/{info.dbname}"
    old = version < MIN_VERSION
    yield problem("PostgreSQL", f"{where}: {MIN_VERSION} or newer is needed") if old else ok("PostgreSQL", where)
    yield _durability(connection)
    encoding = _setting(connection, "server_encoding")
    yield ok("encoding", encoding) if encoding == "UTF8" else problem("encoding", f"{encoding}: make a UTF8 database")
    yield _skew(connection)
    yield from _advice(connection)
    has_store = _exists(connection, "to_regclass", "public.stored_events")
    yield from (
        _store(connection) if has_store else [warning("event store", "not there yet: the first `serve` makes it")]
    )
    yield from check_projections((lambda position: _first_after(connection, position)) if has_store else None)


def _store(connection: Connection) -> Findings:
    current = _exists(connection, "to_regproc", f"public.{APPEND_NAME}")
    soon = warning("event store", "of another version: the next `serve` of this one adds what is missing")
    yield ok("event store", "of this version") if current else soon
    samples = [connection.execute(each.encode()).fetchone() for each in (keys.OLDEST, keys.NEWEST)]
    yield keys.check_master_key([(row[0], row[1]) for row in samples if row], settings.MASTER_KEY)


def _durability(connection: Connection) -> Finding:
    off = [name for name in DURABLE if _setting(connection, name) == "off"]
    if off:
        return problem("durability", f"{', '.join(off)} off: what was acknowledged can be lost with the power")
    return ok("durability", f"{', '.join(DURABLE)} on")


def _skew(connection: Connection) -> Finding:
    before = time.time()
    row = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    assert row
    skew_s = row[0] - (before + time.time()) / 2
    if abs(skew_s) > MAX_SKEW_S:
        return problem("clocks", f"this machine's and the database's differ by {abs(skew_s):.1f} s: use NTP on both")
    return ok("clocks", f"{abs(skew_s) * 1000:.0f} ms apart")


def _advice(connection: Connection) -> Findings:
    rows = connection.execute("SELECT name, setting::bigint, unit FROM pg_settings WHERE name = ANY(%s)", [[*BETTER]])
    for name, value, unit in rows:
        least, better = BETTER[name]
        if value * UNITS[unit] < least:
            yield warning(name, f"{value} × {unit}: for speed, set it to {better}")
    if _setting(connection, "wal_compression") in ("on", "pglz"):
        yield warning("wal_compression", "costs more than it saves, since what is sealed cannot be compressed: off")
    connections = int(_setting(connection, "max_connections"))
    room = ok("max_connections", f"{connections}: each process takes up to {PER_WEB}")
    yield room if connections >= 4 * PER_WEB else warning("max_connections", f"{connections}: too few for two machines")


def _first_after(connection: Connection, position: int) -> bytes | None:
    row = connection.execute(FIRST_AFTER.encode(), [position]).fetchone()
    return bytes(row[0]) if row else None


def _exists(connection: Connection, how: str, name: str) -> bool:
    row = connection.execute(f"SELECT {how}(%s) IS NOT NULL".encode(), [name]).fetchone()
    return bool(row and row[0])


def _setting(connection: Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row
    return str(row[0])
