"""A deployment's log as years of chatting would leave it: `python -m bench.planting EVENTS`, in a few seconds.

85 of 100 events are messages, a tenth of those replies; the others edit, redact and react. 500 rooms, some far busier
than others; 2 000 people.
"""

import asyncio
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from typing import Any

import django
import psycopg
from django.conf import settings

from commands.events import Event, MessageEdited, MessagePosted, MessageRedacted, ReactionAdded, RoomOpened
from commands.sealing import Mapper
from commands.sqlite_connection import files_beside
from config import parts

ROOMS = 500
PERSONS = 2000
TEXT = "The quick brown fox jumps over the lazy dog, and says so to everybody in the room. "
RECENT = 30

type Row = tuple[str, int, str, str, bytes]


async def plant(events: int) -> None:
    """Make the store and the keys, then the rows."""
    deployment = parts.build()
    await deployment.open()
    await asyncio.gather(*(deployment.mapper.keyring.ensure(_person(person)) for person in range(PERSONS)))
    await (_into_sqlite if settings.ON_SQLITE else _into_postgres)(_rows(deployment.mapper, events))
    await deployment.close()


async def _into_postgres(rows: Iterator[Row]) -> None:
    columns = "originator_id, originator_version, topic, subject, state"
    with psycopg.connect(settings.DATABASE_URL) as connection:
        with connection.cursor().copy(f"COPY stored_events ({columns}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.set_types(["text", "int8", "text", "text", "bytea"])
            for row in rows:
                copy.write_row(row)
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE stored_events")


async def _into_sqlite(rows: Iterator[Row]) -> None:
    connection = sqlite3.connect(files_beside(settings.DATABASES["default"]["NAME"]).events)
    columns = "originator_id, originator_version, topic, subject, state"
    connection.executemany(f"INSERT INTO stored_events ({columns}) VALUES (?, ?, ?, ?, ?)", rows)  # noqa: S608
    connection.commit()
    connection.close()


def _rows(mapper: Mapper, events: int) -> Iterator[Row]:
    chance = random.Random(1)
    heads = [0] * ROOMS
    recent: list[list[tuple[str, int]]] = [[] for _ in range(ROOMS)]
    start_ms = time.time_ns() // 1_000_000 - events * 20
    for i in range(events):
        room = int(ROOMS * chance.random() ** 2)
        heads[room] += 1
        event = _event(chance, i, start_ms + i * 20, heads[room], recent[room])
        sealed = mapper.seal(f"room-{room}", event)
        yield f"room-{room}", heads[room], sealed.topic, sealed.subject, sealed.state


def _event(chance: random.Random, i: int, now_ms: int, seq: int, recent: list[tuple[str, int]]) -> Event:
    about: dict[str, Any] = {"occurred_at": now_ms, "request_id": f"{i:032x}"}
    person = chance.randrange(PERSONS)
    kind = chance.random() if recent else 0
    if seq == 1:
        return RoomOpened(actor=_person(person), title="", visibility="public", **about)
    if kind < 0.85:
        reply_to = chance.choice(recent)[0] if recent and kind < 0.085 else None
        message_id = f"{now_ms:012x}{chance.getrandbits(80):020x}"
        recent.append((message_id, person))
        del recent[:-RECENT]
        words = TEXT * chance.randint(1, 3)
        named: dict[str, Any] = {
            "message_id": message_id,
            "message": words,
            "handle": f"u{person}",
            "reply_to": reply_to,
        }
        return MessagePosted(actor=_person(person), **named, **about)
    chosen = chance.choice(recent)
    if kind < 0.91:
        return MessageEdited(actor=_person(chosen[1]), message_id=chosen[0], message=f"{i} {TEXT}", **about)
    if kind < 0.92:
        recent.remove(chosen)
        return MessageRedacted(actor=_person(chosen[1]), message_id=chosen[0], **about)
    return ReactionAdded(actor=_person(person), message_id=chosen[0], emoji="👍", **about)


def _person(number: int) -> str:
    return f"guest:{number:016x}"


if __name__ == "__main__":
    django.setup()
    asyncio.run(plant(int(sys.argv[1])))
