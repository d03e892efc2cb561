"""What bench/verify.py measures: `python -m bench.verified EVENTS` fills a log, hashes, signs and verifies it.

Prints, as JSON: events hashed a second, events verified a second, and by how many MB the process grew while verifying.
"""

import asyncio
import base64
import json
import random
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing

import django
import psycopg
from django.conf import settings
from django.core.management.base import OutputWrapper
from psycopg import sql

from commands.sqlite_connection import files_beside
from config import parts, verification
from projections.applying import Applier
from projections.proof import Proof
from projections.signing import Signer

ROOMS = 2000
BATCH = 2000
SIGN_EVERY = 10
"""Batches: a head for every 20 000 events."""
COLUMNS = "originator_id, originator_version, topic, subject, state"

type Row = tuple[str, int, str, str, bytes]


async def measure(events: int) -> dict[str, float]:
    """The three figures."""
    deployment = parts.build()
    await deployment.open()
    _fill(events)
    applier, signer = Applier(Proof()), Signer(settings.SIGNING_KEY, 1e-9)
    applier.load()
    began, batches = time.perf_counter(), 0
    while facts := await deployment.log.read_all(after=applier.position, limit=BATCH):
        applier.apply(facts)
        batches += 1
        if batches % SIGN_EVERY == 0:
            signer.sign(applier.position)
    signer.sign(applier.position)
    hashed_s = time.perf_counter() - began
    await deployment.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report, verified_s = await verification.verify({settings.SIGNING_KEY.public_key}, [], OutputWrapper(sys.stderr))
    if not report.holds or report.signed != events:
        raise SystemExit(f"it does not hold: {report.findings[:3]}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"hashed": events / hashed_s, "verified": events / verified_s, "grown_mb": grown / 1024}


def _fill(events: int) -> None:
    if settings.ON_SQLITE:
        path = files_beside(settings.DATABASES["default"]["NAME"]).events
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(
                f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                _rows(events),
            )
        return
    statement = f"COPY stored_events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(settings.DATABASE_URL) as server, server.cursor().copy(sql.SQL(statement)) as copy:
        copy.set_types(["text", "int8", "text", "text", "bytea"])
        for row in _rows(events):
            copy.write_row(row)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute("VACUUM ANALYZE stored_events")


def _rows(events: int) -> Iterator[Row]:
    """Messages in many rooms, as long as they are when they are sealed."""
    chance = random.Random(1)
    heads = [0] * ROOMS
    for i in range(events):
        room = int(ROOMS * chance.random() ** 2)
        heads[room] += 1
        fields = {
            "actor": f"guest:{chance.getrandbits(64):016x}",
            "occurred_at": 1_795_348_800_000 + i,
            "request_id": f"{i:032x}",
            "message_id": f"{i:032x}",
            "sealed": base64.b64encode(chance.randbytes(190)).decode(),
        }
        yield f"room-{room}", heads[room], "message.posted", f"message:{i:032x}", json.dumps(fields).encode()


if __name__ == "__main__":
    django.setup()
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))
