"""The event store on PostgreSQL: the library's recorder, extended by one function call that appends a batch.

One connection appends, and each append is one round trip and one commit. Under one advisory lock the function (see
postgres_schema.py) checks every condition, numbers the events and inserts them; commit order is position order, so
that no follower can miss an event. Reads go through a pool of their own.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder
from psycopg import AsyncConnection
from psycopg.errors import DuplicateObject
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Composed

from commands.postgres_arrays import register
from commands.postgres_batch import Heads, pack, unpack
from commands.postgres_connection import WritingConnection, bounded, conninfo
from commands.postgres_datastore import LazyDatastore
from commands.postgres_listener import Listener
from commands.postgres_reading import Reading
from commands.postgres_schema import APPEND, APPEND_NAME, KEYS, POSITIONS, SCHEMA_LOCK, STORAGE, SUBJECTS, TABLE
from commands.store import Entry, Mark, Outcome, Recorded, StoreUnavailable

SCHEMA_S = 60.0
BEYOND_ALL = 2**62

_IS_CREATED = "SELECT to_regproc($1) IS NOT NULL"
_COLUMNS = "notification_id, originator_id, originator_version, topic, subject, state"
_APPEND = f"SELECT * FROM public.{APPEND_NAME}({', '.join(f'${number}' for number in range(1, 12))})"
_STREAM = (
    f"SELECT {_COLUMNS} FROM public.stored_events WHERE originator_id = $1 AND originator_version > $2 "
    "AND originator_version <= $3 ORDER BY originator_version {direction} LIMIT $4"
)
_FORWARDS, _BACKWARDS = _STREAM.format(direction="ASC"), _STREAM.format(direction="DESC")
# The upper bound excludes nothing. Without it, PostgreSQL takes "a third of the table" for the end of one that it has
# not analysed yet, and reads it all.
_AFTER = f"FROM public.stored_events WHERE notification_id > $1 AND notification_id < {BEYOND_ALL}"
_ALL = f"SELECT {_COLUMNS} {_AFTER} ORDER BY notification_id LIMIT $2"
_END = (
    f"SELECT {_COLUMNS} FROM public.stored_events e WHERE e.originator_id = $1 AND e.subject = wanted.subject "
    "ORDER BY e.originator_version {direction} LIMIT 1"
)
_AT = f"SELECT {_COLUMNS} FROM public.stored_events WHERE notification_id = ANY($1) ORDER BY notification_id"
# Not ordered here: to save itself the sorting, PostgreSQL might walk the whole stream.
_SUBJECTS = (
    f"SELECT {_COLUMNS} FROM public.stored_events WHERE originator_id = $1 AND subject = ANY($2) "
    "UNION ALL SELECT ends.* FROM unnest($3::text[]) wanted (subject) CROSS JOIN LATERAL ("
    f"({_END.format(direction='ASC')}) UNION ALL ({_END.format(direction='DESC')})) ends"
)
_ABOUT = (
    f"SELECT {_COLUMNS} FROM public.stored_events WHERE originator_id = $1 AND subject = $2 "
    "AND originator_version > $3 ORDER BY originator_version LIMIT $4"
)
# One probe for each, to its last event: a message that was edited a thousand times costs no more than another.
_LAST_TOPICS = (
    "SELECT wanted.subject, last.topic FROM unnest($1::text[]) wanted (subject) CROSS JOIN LATERAL ("
    "SELECT topic FROM public.stored_events e WHERE e.originator_id = $2 AND e.subject = wanted.subject "
    "ORDER BY e.originator_version DESC LIMIT 1) last"
)
_READ_LAST = (
    "SELECT last.* FROM unnest($1::text[]) wanted (subject) CROSS JOIN LATERAL ("
    f"SELECT {_COLUMNS} FROM public.stored_events e WHERE e.originator_id = $2 AND e.subject = wanted.subject "
    "AND e.originator_version <= $3 ORDER BY e.originator_version DESC LIMIT 1) last"
)
_TAIL = (
    "SELECT max(notification_id), originator_id, max(originator_version) FROM ("
    f"SELECT notification_id, originator_id, originator_version {_AFTER} ORDER BY notification_id LIMIT $2"
    ") recent GROUP BY originator_id ORDER BY 1"
)
_HEAD = "SELECT coalesce(max(originator_version), 0) FROM public.stored_events WHERE originator_id = $1"
_LAST_POSITION = "SELECT coalesce(max(notification_id), 0) FROM public.stored_events"

_value: Callable[[Sequence[Any]], Any] = itemgetter(0)
_pair: Callable[[Sequence[Any]], tuple[str, str]] = itemgetter(0, 1)


class PostgresStore(PostgresApplicationRecorder):
    """The `Store` in a PostgreSQL database; the library's own recorder for everything that is read by its tools.

    `direct_url` leads past a pooler, for what needs a session: appending and listening.
    """

    def __init__(self, url: str, *, direct_url: str | None = None, pool_size: int = 4) -> None:
        super().__init__(LazyDatastore(url))
        create_type = [statement for statement in self.sql_create_statements if "CREATE TYPE" in statement.as_string()]
        self.sql_create_statements = create_type + [
            Composed([SQL(statement)]) for statement in (TABLE, STORAGE, POSITIONS, SUBJECTS, KEYS, APPEND)
        ]
        self._direct_url = direct_url or url
        self._heads = Heads()
        self._writing = WritingConnection(self._direct_url, self._begin)
        self._listener = Listener(self._direct_url, self.last_position)
        self.reading = Reading(url, pool_size)

    async def open(self) -> None:
        """Connect, and create what is missing. Raises: NotDurable, StoreUnavailable."""
        await self._writing.open()
        try:
            await self.reading.open()
            if not (await self.reading.select(_IS_CREATED, [f"public.{APPEND_NAME}"], _value))[0]:
                await self._create()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close every connection; further calls raise `StoreUnavailable`."""
        await self._listener.close()
        await self._writing.close()
        await self.reading.close()
        self.datastore.close()

    async def append(self, batch: Sequence[Entry], *, resolve: bool = False) -> list[Outcome]:
        """See `Store.append`."""
        if not batch:
            return []
        rows = await self._writing.execute(_APPEND, [*pack(batch, self._heads), resolve])
        outcomes = unpack(rows, len(batch))
        self._heads.learn(batch, outcomes)
        return outcomes

    async def read_stream(
        self, stream: str, *, after: int = 0, upto: int | None = None, limit: int = 1000, backwards: bool = False
    ) -> list[Recorded]:
        """See `Store.read_stream`."""
        last = BEYOND_ALL if upto is None else min(upto, BEYOND_ALL)
        statement = _BACKWARDS if backwards else _FORWARDS
        return await self.reading.select(statement, [stream, min(after, BEYOND_ALL), last, limit], Recorded._make)

    async def read_all(self, *, after: int, limit: int = 1000) -> list[Recorded]:
        """See `Store.read_all`."""
        return await self.reading.select(_ALL, [after, limit], Recorded._make)

    async def read_at(self, positions: Sequence[int]) -> list[Recorded]:
        """See `Store.read_at`."""
        return await self.reading.select(_AT, [list(positions)], Recorded._make)

    async def read_subjects(
        self, stream: str, subjects: Sequence[str], *, ends_of: Sequence[str] = ()
    ) -> list[Recorded]:
        """See `Store.read_subjects`."""
        wanted = [stream, list(subjects), list(ends_of)]
        rows = await self.reading.select(_SUBJECTS, wanted, Recorded._make)
        return sorted(set(rows), key=lambda row: row.seq)

    async def read_about(self, stream: str, subject: str, *, after: int = 0, limit: int = 1000) -> list[Recorded]:
        """See `Store.read_about`."""
        return await self.reading.select(_ABOUT, [stream, subject, after, limit], Recorded._make)

    async def last_topics(self, stream: str, subjects: Sequence[str]) -> dict[str, str]:
        """See `Store.last_topics`."""
        return dict(await self.reading.select(_LAST_TOPICS, [list(subjects), stream], _pair))

    async def read_last(self, stream: str, subjects: Sequence[str], *, upto: int) -> list[Recorded]:
        """See `Store.read_last`."""
        return await self.reading.select(_READ_LAST, [list(subjects), stream, upto], Recorded._make)

    async def tail(self, *, after: int, limit: int = 10_000) -> list[Mark]:
        """See `Store.tail`."""
        return await self.reading.select(_TAIL, [after, limit], Mark._make)

    async def head(self, stream: str) -> int:
        """See `Store.head`."""
        return int((await self.reading.select(_HEAD, [stream], _value))[0])

    async def last_position(self) -> int:
        """See `Store.last_position`."""
        return int((await self.reading.select(_LAST_POSITION, [], _value))[0])

    async def wait(self, *, after: int, timeout_s: float) -> None:
        """See `Store.wait`; the appends of other processes count as well."""
        await self._listener.wait(after, timeout_s)

    async def _create(self) -> None:
        """Create what is missing, in one transaction; of several processes at once, one does it."""
        try:
            async with await AsyncConnection.connect(conninfo(self._direct_url)) as connection:
                with bounded(connection, SCHEMA_S):
                    await connection.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEMA_LOCK])
                    for statement in self.sql_create_statements:
                        with suppress(DuplicateObject):
                            async with connection.transaction():
                                await connection.execute(statement)
        except psycopg.OperationalError as error:
            raise StoreUnavailable(str(error)) from error

    def _begin(self, connection: AsyncConnection[TupleRow]) -> None:
        """On a new writing connection: after a failover, what was known of the old server may be too much."""
        register(connection)
        self._heads = Heads()
