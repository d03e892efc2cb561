"""Asking over one connection: what it answers, what it refuses, and what is left of it after trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from psycopg.pq import ExecStatus

from commands.postgres_connection import conninfo
from commands.postgres_wire import Wire
from tests.commands.proxy import Fault, Proxy

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1"
PREPARED = b"SELECT count(*) FROM pg_prepared_statements"
BIG = b"x" * 5_000_000
WITHIN_S = 30.0


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


class Asking(Wire):
    """A wire on which nobody waits for long."""

    async def get(self, statement: bytes, *values: object) -> list[Any]:
        return await self.ask(statement, values, tuple, within_s=WITHIN_S)


@pytest.fixture
async def wire(proxy: Proxy) -> AsyncIterator[Asking]:
    """A wire that prepares what was asked twice."""
    connection = await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True)
    wire = Asking(connection, prepare_after=2)
    yield wire
    wire.release()
    await connection.close()


async def test_values_of_all_kinds_go_there_and_back(wire: Asking) -> None:
    values = ("Grüße", 2**40, None, b"\0\xff", ["a", "b"], [1, 2**40], True)
    statement = b"SELECT $1::text, $2::bigint, $3::text, $4::bytea, $5::text[], $6::bigint[], $7::bool"
    for _ in range(4):
        assert await wire.get(statement, *values) == [values]
    assert await wire.get(b"SELECT 1 WHERE false") == []
    assert await wire.get(b"SELECT n FROM generate_series(1, 3) n") == [(1,), (2,), (3,)]


async def test_what_is_asked_again_is_prepared_once_whatever_the_size_of_its_numbers(wire: Asking) -> None:
    for number in (1, 2, 2**20, 2**40, -1):
        assert await wire.get(b"SELECT $1 + 1", number) == [(number + 1,)]
    assert await wire.get(PREPARED) == [(1,)]


async def test_what_does_not_fit_into_a_socket_goes_in_pieces(wire: Asking) -> None:
    assert await wire.get(b"SELECT $1::bytea", BIG) == [(BIG,)]


async def test_a_refused_statement_leaves_the_wire_as_it_was(wire: Asking) -> None:
    for _ in range(4):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await wire.get(b"SELECT 1 / $1", 0)
        assert wire.is_free
    with pytest.raises(psycopg.errors.SyntaxError):
        await wire.get(b"SELEC")
    assert await wire.get(b"SELECT 1") == [(1,)]


async def test_a_wire_that_nobody_waits_on_is_not_free(wire: Asking) -> None:
    asking = asyncio.create_task(wire.get(b"SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert not wire.is_free


async def test_a_wire_knows_that_the_server_has_hung_up(wire: Asking, url: str) -> None:
    assert wire.is_free
    database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute(END.replace("$1", "%s"), [database])
    async with asyncio.timeout(5):
        while wire.is_free:
            await asyncio.sleep(0.01)
    with pytest.raises(psycopg.OperationalError):
        await wire.get(b"SELECT 1")


@pytest.mark.parametrize(
    "fault", ["cut the request", "cut half the request", "cut the answer", "reset in half the answer"]
)
async def test_a_cut_while_asking_is_an_error(wire: Asking, proxy: Proxy, fault: Fault) -> None:
    proxy.fault = fault
    async with asyncio.timeout(5):
        with pytest.raises(psycopg.OperationalError):
            await wire.get(b"SELECT 1")
    assert not wire.is_free


async def test_no_answer_in_time_is_an_error_whatever_has_become_of_the_socket(wire: Asking) -> None:
    with pytest.raises(psycopg.OperationalError, match="in time"):
        await wire.ask(b"SELECT pg_sleep(60)", [], tuple, within_s=0.1)
    assert not wire.is_free


async def test_a_reset_that_was_not_heard_of_is_an_error_at_once(wire: Asking, proxy: Proxy) -> None:
    await wire.get(b"SELECT 1")
    proxy.reset()
    async with asyncio.timeout(5):
        with pytest.raises(psycopg.OperationalError):
            await wire.get(b"SELECT 1")
    assert not wire.is_free


async def test_a_socket_that_libpq_has_closed_is_watched_no_more(wire: Asking, proxy: Proxy) -> None:
    """Its number may be that of another one soon."""
    proxy.fault = "garble the answer"
    answered = wire._take_in
    watched: list[bool] = []

    def take_in() -> bool:
        try:
            return answered()
        finally:
            asyncio.get_running_loop().call_soon(lambda: watched.append(wire._socket >= 0))

    wire._take_in = take_in  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        with pytest.raises(psycopg.DatabaseError):
            await wire.get(b"SELECT 1")
    await asyncio.sleep(0)
    assert watched == [False]


async def test_rows_of_which_nobody_said_that_they_are_committed_are_none(wire: Asking) -> None:
    """PostgreSQL may send what it has before it commits, and be gone."""
    asking = asyncio.create_task(wire.get(b"SELECT pg_sleep(60)"))
    await asyncio.sleep(0.05)
    wire._result = wire._libpq.make_empty_result(ExecStatus.TUPLES_OK)
    wire._lose(psycopg.OperationalError("gone"))
    with pytest.raises(psycopg.OperationalError, match="gone"):
        await asking
