"""What size does: batches of 32 on an empty store and on one of 5 million events (BENCH_EVENTS), and their WAL.

Rows are copied in as a store of that age would hold them: 2 000 rooms, message ids with a time prefix, sealed states
of random bytes. Then the same posters run on both stores in turns.
"""

import base64
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from statistics import median

import psycopg
from psycopg import sql

from bench import report
from tests.servers import Postgres

EVENTS = int(os.environ.get("BENCH_EVENTS", "5000000"))
ROOMS = 2000
PERSONS = 5000
POSTERS = 32
SECONDS = 10.0
ROUNDS = 3
_COPY = "COPY stored_events (originator_id, originator_version, topic, subject, state) FROM STDIN (FORMAT BINARY)"


def main() -> None:
    """Fill, measure in turns, print."""
    with Postgres(max_wal_size="8GB", checkpoint_timeout="15min", shared_buffers="2GB") as postgres:
        stores = {"empty": postgres.create_database(), f"{EVENTS:,} events": postgres.create_database()}
        for url in stores.values():
            _posting(url, seconds=0.5)
        filled = list(stores.values())[1]
        _fill(filled)
        taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in stores}
        for _ in range(ROUNDS):
            for name, url in stores.items():
                taken[name].append(_measure(url))
    rows = [_row(name, figures) for name, figures in taken.items()]
    first, second = (float(str(row["events/s"])) for row in rows)
    rows[1]["of empty"] = f"{second / first:.0%}"
    report.show("size", f"Batches of {POSTERS} on PostgreSQL (median of {ROUNDS})", rows)


def _row(name: str, figures: list[tuple[float, float, float]]) -> dict[str, object]:
    rate, p99_ms, wal = (median(column) for column in zip(*figures, strict=True))
    return {
        "store": name,
        "events/s": round(rate),
        "p99 ms": round(p99_ms, 1),
        "WAL bytes/event": round(wal),
        "of empty": "",
    }


def _measure(url: str) -> tuple[float, float, float]:
    """Events a second, p99 in milliseconds, WAL bytes an event (full-page images after a checkpoint included)."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        before = _wal_and_position(connection)
        figures = _posting(url, seconds=SECONDS)
        after = _wal_and_position(connection)
    return figures["rate"], figures["p99_ms"], (after[0] - before[0]) / (after[1] - before[1])


def _wal_and_position(connection: psycopg.Connection) -> tuple[int, int]:
    row = connection.execute(
        "SELECT (pg_current_wal_lsn() - '0/0')::bigint, coalesce(max(notification_id), 0) FROM stored_events"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _posting(url: str, *, seconds: float) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.posting", "writer", url, str(POSTERS), str(seconds)]
    figures: dict[str, float] = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    )
    return figures


def _fill(url: str) -> None:
    began = time.monotonic()
    with psycopg.connect(url) as connection, connection.cursor().copy(sql.SQL(_COPY)) as copy:
        copy.set_types(["text", "int8", "text", "text", "bytea"])
        for row in _rows():
            copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE stored_events")
    print(f"filled {EVENTS:,} events in {time.monotonic() - began:.0f} s")


def _rows() -> Iterator[tuple[str, int, str, str, bytes]]:
    chance = random.Random(1)
    heads = [0] * ROOMS
    start_ms = time.time_ns() // 1_000_000 - EVENTS * 20
    for i in range(EVENTS):
        room = int(ROOMS * chance.random() ** 2)
        heads[room] += 1
        message_id = f"{start_ms + i * 20:012x}{chance.getrandbits(80):020x}"
        person = f"guest:{chance.randrange(PERSONS):016x}"
        fields = {
            "actor": person,
            "occurred_at": start_ms + i * 20,
            "request_id": f"{i:032x}",
            "message_id": message_id,
            "sealed": base64.b64encode(chance.randbytes(190)).decode(),
        }
        yield f"old-room-{room}", heads[room], "message.posted", f"message:{message_id}", json.dumps(fields).encode()


if __name__ == "__main__":
    main()
