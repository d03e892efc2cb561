"""What bench/verify.py measures: `python -m bench.verified EVENTS` fills a log, hashes, signs and verifies it.

Prints, as JSON: events hashed a second, events verified a second, and by how many MB the process grew while verifying.
"""

import asyncio
import json
import random
import resource
import sqlite3
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing

import django
import psycopg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.management.base import OutputWrapper
from psycopg import sql

from bench.filling import PERSONS, WORDS
from commands.events import Cause, MessagePosted
from commands.sealing import seal_with
from commands.sqlite_connection import files_beside
from config import parts, verification
from config.garbage import collected_seldom
from projections.applying import Applier
from projections.proof import Proof
from projections.signing import Signer
from tests.cast import NOON

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
    ciphers = await deployment.mapper.keyring.ensure_all(f"guest:{number:016x}" for number in range(PERSONS))
    _fill(_rows(events, ciphers))
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
    trusted, out = {settings.SIGNING_KEY.public_key}, OutputWrapper(sys.stderr)
    with collected_seldom():
        report, verified_s = await verification.verify(trusted, [], out)
    if not report.holds or report.signed != events:
        raise SystemExit(f"it does not hold: {report.findings[:3]}")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {"hashed": events / hashed_s, "verified": events / verified_s, "grown_mb": grown / 1024}


def _fill(rows: Iterator[Row]) -> None:
    if settings.ON_SQLITE:
        path = files_beside(settings.DATABASES["default"]["NAME"]).events
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.executemany(
                f"INSERT INTO stored_events ({COLUMNS}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608
                rows,
            )
        return
    statement = f"COPY stored_events ({COLUMNS}) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(settings.DATABASE_URL) as server, server.cursor().copy(sql.SQL(statement)) as copy:
        copy.set_types(["text", "int8", "text", "text", "bytea"])
        for row in rows:
            copy.write_row(row)
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute("VACUUM ANALYZE stored_events")


def _rows(events: int, ciphers: Mapping[str, AESGCM | None]) -> Iterator[Row]:
    """Messages of a dozen words in many rooms."""
    chance = random.Random(1)
    heads = [0] * ROOMS
    for number in range(events):
        room = int(ROOMS * chance.random() ** 2)
        heads[room] += 1
        who = f"guest:{chance.randrange(PERSONS):016x}"
        posted = MessagePosted(
            **Cause(who, NOON + number, f"{number:032x}", "192.0.2.7").stamp(),
            message_id=f"{NOON + number:012x}{number:020x}",
            message=" ".join(chance.choices(WORDS, k=12)),
            handle=f"Guest-{who[-4:]}",
        )
        sealed = seal_with(ciphers[who], f"room-{room}", posted)
        yield f"room-{room}", heads[room], sealed.topic, sealed.subject, sealed.state


if __name__ == "__main__":
    django.setup()
    print(json.dumps(asyncio.run(measure(int(sys.argv[1])))))
