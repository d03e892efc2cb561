"""What the tests of the read side work with."""

import asyncio
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import msgspec
from django.db import connection

from commands.erasing import Erase
from commands.errors import Unavailable
from commands.handlers import Command, Handlers, Receipt
from commands.identity import Caller
from commands.message import PostMessage
from commands.store import Condition, Entry, NewEvent
from commands.subscription import Fact
from commands.writer import Writer
from config.parts import Parts, administration
from projections import checkpoints
from projections.applying import Applier
from projections.beside import Beside
from projections.known import KNOWN
from projections.people import People
from projections.projection import Projection
from projections.queries import Page, Queries
from projections.runner import Runner
from projections.signing import Signer
from tests.cast import GARDEN, GENERAL

TRIES = 5
DJANGO = ThreadPoolExecutor(1, thread_name_prefix="django")
"""The one thread on which tests use Django's connection: on the event loop's it would be another for every task."""

READ_TABLES = (
    *("directory_room", "history_room", "history_title", "history_item", "history_past", "history_text"),
    *("person_room", "person_event", "proof_size", "proof_tile"),
)


class Deployment:
    """A log with commands going in, and read models that are brought forward when a test says so."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.log = parts.log
        self.writer = Writer(parts.store, lambda _: None)
        self.handlers = Handlers(parts.store, parts.mapper, self.writer, limits=False)
        self.queries = Queries(parts.log)
        self.administration = administration(parts, self.writer, self.queries)

    async def open(self) -> None:
        await self.parts.open()
        await self.queries.open()
        self.writer.start()

    async def close(self) -> None:
        await self.writer.close()
        await self.queries.close()
        await self.parts.close()

    async def do(self, person: str, command: Command) -> Receipt:
        """As a client does, try again when the store is said to be away: the machine may be busy with other tests."""
        caller = Caller(person=person, handle=person.partition(":")[2], request_id="r")
        for _ in range(TRIES):
            try:
                return await self.handlers.handle(command, caller)
            except Unavailable:
                await asyncio.sleep(0.1)
        return await self.handlers.handle(command, caller)

    async def erase(self, person: str) -> int:
        """Erase somebody; answers the position of the event, of which the read models do not know yet."""
        await self.project(People())
        caller = Caller(person="bot:auditor", handle="auditor", request_id="r")
        return (await self.administration.carry_out(Erase(person=person), caller)).position

    async def say(self, person: str, *texts: str, room: str = GENERAL) -> list[Receipt]:
        return [await self.do(person, PostMessage(room=room, message=text)) for text in texts]

    async def spoil(self, room: str, seq: int) -> None:
        """Record an event that nobody can read."""
        broken = NewEvent("message.posted", f"message:broken-{seq}", b'{"actor":"guest:ada","sealed":"AAAA"}')
        await self.parts.store.append([Entry(room, [Condition(broken.subject, 0)], [broken])])

    async def fill(self, count: int, *rooms: str) -> None:
        """Record so many events that nobody can open, in these rooms by turns: for those who only hash them."""
        rooms = rooms or (GENERAL, GARDEN)
        names = [f"message:{random.getrandbits(128):032x}" for _ in range(count)]
        entries = [
            Entry(room, [Condition(name, 0)], [NewEvent("message.posted", name, f'{{"said":"{name}"}}'.encode())])
            for name, room in zip(names, cycle(rooms), strict=False)
        ]
        for begin in range(0, count, 500):
            await self.parts.store.append(entries[begin : begin + 500])

    async def project(self, *projections: Projection, batch: int = 2000) -> list[Applier]:
        """Bring the read models to the end of the log, in batches of a size."""
        appliers = [Applier(projection) for projection in projections or KNOWN]
        for applier in appliers:
            on_django(applier.load)
            while facts := await self.log.read_all(after=applier.position, limit=batch):
                on_django(partial(applier.apply, facts))
        return appliers

    async def page(self, room: str = GENERAL, **wanted: Any) -> Page:
        return await self.queries.page(room, **wanted)


class Running:
    """A runner in the background."""

    def __init__(self, deployment: Deployment, signer: Signer | None = None) -> None:
        self.runner = Runner(deployment.log, signer=signer)

    async def __aenter__(self) -> Runner:
        self._task = asyncio.create_task(self.runner.run())
        return self.runner

    async def __aexit__(self, *_: object) -> None:
        self.runner.stop()
        await self._task


def wipe(url: str) -> None:
    """An empty log and empty read models."""
    for table in (*READ_TABLES, "parked_room", "checkpoint", "tree_head"):
        execute(f"DELETE FROM {table}")
    for projection in KNOWN:
        on_django(partial(_discard, projection))
    if url.startswith("sqlite"):
        for path in Path(url.removeprefix("sqlite:///")).parent.glob("*.events.sqlite3*"):
            path.unlink()
    elif execute("SELECT to_regclass('stored_events')")[0][0]:
        execute("TRUNCATE stored_events RESTART IDENTITY")


def _discard(projection: Projection) -> None:
    Beside(projection).discard()


def on_django[T](work: Callable[[], T]) -> T:
    return DJANGO.submit(work).result()


def execute(statement: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    return on_django(partial(_execute, statement, parameters))


def _execute(statement: str, parameters: Sequence[Any] | None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def enlarge(database: str, *, analysed: bool = True) -> None:
    """20 000 messages more in the history of a room, with their numbers as ids, and ANALYZE, or no statistics at all.

    Every third is in a thread of a hundred messages; threads are numbered, too.
    """
    numbers = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n"
        if database.startswith("sqlite")
        else "SELECT i FROM generate_series(1, 20000) n(i)"
    )
    blob = "CAST('{}' AS BLOB)" if database.startswith("sqlite") else "'{}'::bytea"
    execute(
        "INSERT INTO history_item (room, seq, message_id, room_time, thread, author, item) "
        f"SELECT '{GENERAL}', 1000 + i, CAST(i AS TEXT), i, CASE i % 3 WHEN 0 THEN CAST(i / 300 AS TEXT) END, "
        f"'guest:many-' || CAST(i % 50 AS TEXT), {blob} "
        f"FROM ({numbers}) many"
    )
    execute(
        "INSERT INTO history_past (room, seq, until_seq, until_time, item) "
        f"SELECT '{GENERAL}', 1000 + i / 10, 30000 + i, 30000 + i, {blob} FROM ({numbers}) many"
    )
    execute(
        "INSERT INTO history_text (room, seq, until_seq, text) "
        f"SELECT '{GENERAL}', 1000 + i / 10, 30000 + i, 'before' FROM ({numbers}) many"
    )
    execute(
        "INSERT INTO history_title (room, what, seq, room_time, text) "
        f"SELECT '{GENERAL}', 'topic', 60000 + i, 60000 + i, 'tea' FROM ({numbers}) many"
    )
    if analysed:
        execute("ANALYZE")
    else:
        _forget_statistics(database)


def _forget_statistics(database: str) -> None:
    if database.startswith("sqlite"):
        execute("DROP TABLE IF EXISTS sqlite_stat1")
    else:
        execute("DELETE FROM pg_statistic WHERE starelid::regclass::text LIKE 'history_%'")
        execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname LIKE 'history_%' AND relkind = 'r'")


def tables() -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the projections wrote."""
    return {
        table: sorted(tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in rows)
        for table in READ_TABLES
        for rows in [execute(f"SELECT * FROM {table}")]
    }


def forget(projections: Sequence[Projection] = KNOWN) -> None:
    for projection in projections:
        on_django(partial(checkpoints.empty, projection.name, projection.tables))


def said(page: Page) -> list[str]:
    """The texts of a page."""
    return [msgspec.json.decode(item)["message"] for item in page.items]


def unread(fact: Fact) -> Fact:
    """The same event as if it could not be read."""
    return Fact(fact.recorded, None, "broken")


def applier_of(projection: Projection) -> Applier:
    applier = Applier(projection)
    on_django(applier.load)
    return applier
