"""The read side: whether its tables are there, somebody keeps them up to date, and no room was set aside."""

from collections.abc import Callable

import msgspec
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from commands.clock import now_ms
from config.checkups import proof
from config.checkups.findings import Finding, Findings, ok, problem, warning

type FirstAfter = Callable[[int], bytes | None]
"""The stored state of the first event after a position, if there is one."""

IN_USE = "projection NOT LIKE '%/beside'"
STATUS = f"SELECT projection, position, heartbeat_at FROM checkpoint WHERE {IN_USE} ORDER BY projection"  # noqa: S608
PARKED = (
    f"SELECT projection, count(*), min(room) FROM parked_room WHERE {IN_USE} "  # noqa: S608
    "GROUP BY projection ORDER BY projection"
)
BESIDE = "SELECT projection, state FROM projection_beside ORDER BY projection"


def check(first_after: FirstAfter | None) -> Findings:
    """Read Django's database; without a store, only that. Raises: django.db.DatabaseError."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield problem("read tables", f"{len(missing)} migrations are missing: run `manage.py migrate`")
        return
    yield ok("read tables", "migrated")
    with connection.cursor() as cursor:
        cursor.execute(STATUS)
        statuses = cursor.fetchall()
        cursor.execute(PARKED)
        parked = cursor.fetchall()
        cursor.execute(BESIDE)
        beside = cursor.fetchall()
    start = f"start `manage.py {'serve' if settings.ON_SQLITE else 'runprojections'}`"
    if not statuses:
        yield problem("projections", f"none has run yet: {start}")
    for name, position, heartbeat_at in statuses:
        silent_s = (now_ms() - heartbeat_at) / 1000
        lag_s = _lag_s(first_after(position)) if first_after else 0.0
        yield _status(f"projection {name}", position, silent_s, lag_s, start)
    for name, count, room in parked:
        yield problem(f"projection {name}", f"{count} rooms are parked, as {room}: `manage.py parked` says why")
    yield from proof.check()
    for name, state in beside:
        yield _beside(f"projection {name}", name, state)


def _status(about: str, position: int, silent_s: float, lag_s: float, start: str) -> Finding:
    if silent_s > settings.READY_HEARTBEAT_S:
        return problem(about, f"nobody has run it for {silent_s:.0f} s: {start}")
    if lag_s > settings.READY_LAG_S:
        return problem(about, f"{lag_s:.0f} s behind: see the worker's log and its CPU")
    return ok(about, f"at position {position}, {lag_s:.1f} s behind")


def _beside(about: str, name: str, state: str) -> Finding:
    if state == "kept":
        return warning(
            about,
            f"its version before a rebuild is kept, with texts that were redacted since: `rebuild {name} --discard`",
        )
    return warning(about, f"a rebuild of it is going on, or was cut off: `rebuild {name}` goes on")


def _lag_s(state: bytes | None) -> float:
    """How old an event is that waits to be projected."""
    return max(0.0, (now_ms() - int(msgspec.json.decode(state)["occurred_at"])) / 1000) if state else 0.0
