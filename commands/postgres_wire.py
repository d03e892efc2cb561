"""Asking PostgreSQL over one connection with libpq itself, as psycopg binds it.

A cursor of psycopg's watches the socket anew for each answer, and walks through locks and generators on the way, which
costs more than a page of history needs of the database. Here the socket is watched once and for all.
"""

import asyncio
import logging
import select
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow
from psycopg.types.numeric import Int8BinaryDumper

log = logging.getLogger(__name__)

type Connection = AsyncConnection[TupleRow]

ERRORS_ALONE = 0
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

    @property
    def is_lost(self) -> bool:
        """Whether nothing can be asked any more. A server has nothing to say to an idle connection but good-bye."""
        return not self.is_free or self._tells(select.POLLIN)

    def release(self) -> None:
        """Watch the socket no more: the connection can be closed, or used in another way."""
        if self._socket >= 0:
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
            self._socket = -1

    async def ask[T](
        self,
        statement: bytes,
        parameters: Sequence[object],
        make: Callable[[Sequence[Any]], T],
        *,
        within_s: float,
    ) -> list[T]:
        """The rows of a statement whose parameters are written `$1` and so on, each given to `make`.

        Whoever does not wait for the answer must close the connection. Raises: psycopg.Error, also when there is no
        answer in time.
        """
        timer = self._loop.call_later(within_s, self._tire)
        try:
            values = self._transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
            types, formats = self._transformer.types or (), self._transformer.formats
            name = await self._name(statement, types)
            if name:
                result = await self._answered(
                    lambda: self._libpq.send_query_prepared(name, values, formats, Format.BINARY)
                )
            else:
                result = await self._answered(
                    lambda: self._libpq.send_query_params(statement, values, types, formats, Format.BINARY)
                )
        finally:
            timer.cancel()
        self._transformer.set_pgresult(result)
        rows = self._transformer.load_rows(0, result.ntuples, make)
        self._transformer.set_pgresult(None)
        return rows

    async def _name(self, statement: bytes, types: tuple[int, ...]) -> bytes | None:
        """The name under which a statement is prepared, once it was asked often enough."""
        if self._prepare_after is None:
            return None
        name = self._prepared.get((statement, types))
        if name is None:
            asked = self._asked[statement] = self._asked.get(statement, 0) + 1
            if asked > self._prepare_after:
                fresh = b"wire_%d" % next(_NAMES)
                await self._answered(lambda: self._libpq.send_prepare(fresh, statement, types))
                name = self._prepared[statement, types] = fresh
        return name

    async def _answered(self, send: Callable[[], None]) -> PGresult:
        """Send something; the answer to it. Raises: psycopg.Error."""
        if self._socket < 0:
            raise psycopg.OperationalError("the connection is lost")
        self._result = None
        answer = self._answer = self._loop.create_future()
        try:
            send()
            if self._libpq.flush():
                self._loop.add_writer(self._socket, self._flush)
        except psycopg.Error as error:
            self._lose(error)
        except (OSError, RuntimeError) as error:  # the event loop cannot watch it: a part of it may have been sent
            self._lose(psycopg.OperationalError(str(error)))
        result: PGresult = await answer
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
        """Something came: an answer, a part of one, or the end.

        After a reset uvloop tells of what came before it, and of nothing more: then it is read to the end at once.
        """
        try:
            is_whole = self._take_in()
            while not is_whole and self._tells(ERRORS_ALONE):
                is_whole = self._take_in()
        except psycopg.Error as error:
            self._lose(error)
            return
        if is_whole and self._result and self._answer and not self._answer.done():
            self._answer.set_result(self._result)
            self._result = None

    def _take_in(self) -> bool:
        """Read once; whether that is all, so that what was asked is committed, too. Raises: psycopg.Error."""
        self._libpq.consume_input()
        is_whole = self._take_results()
        if self._libpq.status == ConnStatus.BAD:  # it was no answer: libpq has closed the socket
            raise psycopg.OperationalError(self._libpq.get_error_message())
        return is_whole

    def _tells(self, events: int) -> bool:
        """Whether the socket tells of these events now, or of an error or its end, after which nothing comes."""
        poll = select.poll()
        poll.register(self._socket, events)
        return bool(poll.poll(0))

    def _take_results(self) -> bool:
        while not self._libpq.is_busy():
            result = self._libpq.get_result()
            if result is None:
                return True
            if self._result is None or self._result.status not in _FAILED:
                self._result = result
        return False

    def _tire(self) -> None:
        log.warning("PostgreSQL did not answer in time: giving the connection up")
        self._lose(psycopg.OperationalError("PostgreSQL did not answer in time"))

    def _lose(self, error: psycopg.Error) -> None:
        """The connection is gone. If the server said why before it went, that is the answer.

        Rows that came before the end are none: nobody said that they were committed.
        """
        self.release()
        if self._answer and not self._answer.done():
            if self._result and self._result.status in _FAILED:
                self._answer.set_result(self._result)
            else:
                self._answer.set_exception(error)
