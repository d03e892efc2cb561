"""Asking PostgreSQL over one connection with libpq itself, as psycopg binds it.

A cursor of psycopg's watches the socket anew for each answer, and walks through locks and generators on the way, which
costs more than a page of history needs of the database. Here the socket is watched once and for all.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg.types.numeric import Int8BinaryDumper

type Connection = AsyncConnection[TupleRow]

_NAMES = count()
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE, ExecStatus.EMPTY_QUERY)


class Wire:
    """A connection in autocommit mode, on which nobody else asks anything, and one statement at a time is asked.

    A statement is prepared when it was asked `prepare_after` times, or never.
    """

    def __init__(self, connection: Connection, prepare_after: int | None) -> None:
        self.connection = connection
        self._libpq = connection.pgconn
        self._prepare_after = prepare_after
        self._asked: dict[bytes, int] = {}
        self._prepared: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        # Whatever size a number has: what is prepared for one kind of it would not serve the next.
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        self._transformer = Transformer(connection)
        self._loop = asyncio.get_running_loop()
        self._socket = self._libpq.socket
        self._loop.add_reader(self._socket, self._read)

    @property
    def is_free(self) -> bool:
        """Whether the connection works, as far as is known, and nothing is on its way."""
        return self._socket >= 0 and self._libpq.transaction_status == TransactionStatus.IDLE

    def release(self) -> None:
        """Watch the socket no more: the connection can be closed, or used in another way."""
        if self._socket >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = -1

    async def ask[T](
        self, statement: bytes, parameters: Sequence[object], make: Callable[[Sequence[Any]], T]
    ) -> list[T]:
        """The rows of a statement whose parameters are written `$1` and so on, each given to `make`.

        Whoever does not wait for the answer must close the connection. Raises: psycopg.Error.
        """
        values = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types, formats = self._transformer.types or (), self._transformer.formats
        if self._prepare_after is not None and (name := await self._name(statement, types)):
            self._libpq.send_query_prepared(name, values, formats, Format.BINARY)
        else:
            self._libpq.send_query_params(statement, values, types, formats, Format.BINARY)
        result = await self._answered()
        self._transformer.set_pgresult(result)
        rows = self._transformer.load_rows(0, result.ntuples, make)
        self._transformer.set_pgresult(None)
        return rows

    async def _name(self, statement: bytes, types: tuple[int, ...]) -> bytes | None:
        """The name under which a statement is prepared, once it was asked often enough."""
        name = self._prepared.get((statement, types))
        if name is None:
            asked = self._asked[statement] = self._asked.get(statement, 0) + 1
            if self._prepare_after is not None and asked > self._prepare_after:
                name = b"wire_%d" % next(_NAMES)
                self._libpq.send_prepare(name, statement, types)
                await self._answered()
                self._prepared[statement, types] = name
        return name

    async def _answered(self) -> PGresult:
        """Send what is to be sent; the answer to it. Raises: psycopg.Error."""
        self._result = None
        self._answer = self._loop.create_future()
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._flush)
        result = await self._answer
        if result.status in _FAILED:
            raise error_from_result(result)
        return result

    def _flush(self) -> None:
        """Send the rest of what did not fit."""
        try:
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._lose(error)

    def _read(self) -> None:
        """Something came: an answer, a part of one, or the end."""
        try:
            self._libpq.consume_input()
            while not self._libpq.is_busy():
                result = self._libpq.get_result()
                if result is None:
                    break
                self._result = self._result if self._result and self._result.status in _FAILED else result
            else:
                return
        except psycopg.Error as error:
            self._lose(error)
            return
        if self._result and self._answer and not self._answer.done():
            self._answer.set_result(self._result)
            self._result = None

    def _lose(self, error: psycopg.Error) -> None:
        """The connection is gone. If the server said why before it went, that is the answer."""
        self.release()
        if self._answer and not self._answer.done():
            if self._result:
                self._answer.set_result(self._result)
            else:
                self._answer.set_exception(error)
