"""Asking over one connection: what it answers, what it refuses, and what is left of it after trouble."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from commands.postgres_connection import conninfo
from commands.postgres_wire import Wire
from tests.commands.proxy import Proxy

END = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = $1"
PREPARED = b"SELECT count(*) FROM pg_prepared_statements"
BIG = b"x" * 5_000_000


@pytest.fixture
async def proxy(url: str) -> AsyncIterator[Proxy]:
    async with Proxy(url) as proxy:
        yield proxy


@pytest.fixture
async def wire(proxy: Proxy) -> AsyncIterator[Wire]:
    """A wire that prepares what was asked twice."""
    connection = await psycopg.AsyncConnection.connect(conninfo(proxy.url), autocommit=True)
    wire = Wire(connection, prepare_after=2)
    yield wire
    wire.release()
    await connection.close()


async def test_values_of_all_kinds_go_there_and_back(wire: Wire) -> None:
    values = ("Grüße", 2**40, None, b"\0\xff", ["a", "b"], [1, 2**40], True)
    statement = b"SELECT $1::text, $2::bigint, $3::text, $4::bytea, $5::text[], $6::bigint[], $7::bool"
    for _ in range(4):
        assert await wire.ask(statement, values, tuple) == [values]
    assert await wire.ask(b"SELECT 1 WHERE false", [], tuple) == []
    assert await wire.ask(b"SELECT n FROM generate_series(1, 3) n", [], lambda row: row[0]) == [1, 2, 3]


async def test_what_is_asked_again_is_prepared_once_whatever_the_size_of_its_numbers(wire: Wire) -> None:
    for number in (1, 2, 2**20, 2**40, -1):
        assert await wire.ask(b"SELECT $1 + 1", [number], tuple) == [(number + 1,)]
    assert await wire.ask(PREPARED, [], tuple) == [(1,)]


async def test_what_does_not_fit_into_a_socket_goes_in_pieces(wire: Wire) -> None:
    assert await wire.ask(b"SELECT $1::bytea", [BIG], lambda row: row[0] == BIG) == [True]


async def test_a_refused_statement_leaves_the_wire_as_it_was(wire: Wire) -> None:
    for _ in range(4):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await wire.ask(b"SELECT 1 / $1", [0], tuple)
        assert wire.is_free
    with pytest.raises(psycopg.errors.SyntaxError):
        await wire.ask(b"SELEC", [], tuple)
    assert await wire.ask(b"SELECT 1", [], tuple) == [(1,)]


async def test_a_wire_that_nobody_waits_on_is_not_free(wire: Wire) -> None:
    asking = asyncio.create_task(wire.ask(b"SELECT pg_sleep(60)", [], tuple))
    await asyncio.sleep(0.05)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    assert not wire.is_free


async def test_a_wire_knows_that_the_server_has_hung_up(wire: Wire, url: str) -> None:
    assert wire.is_free
    database = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as other:
        await other.execute(END.replace("$1", "%s"), [database])
    async with asyncio.timeout(5):
        while wire.is_free:
            await asyncio.sleep(0.01)
    with pytest.raises(psycopg.OperationalError):
        await wire.ask(b"SELECT 1", [], tuple)


@pytest.mark.parametrize("fault", ["cut the request", "cut half the request", "cut the answer"])
async def test_a_cut_while_asking_is_an_error(wire: Wire, proxy: Proxy, fault: str) -> None:
    proxy.fault = fault  # type: ignore[assignment]
    async with asyncio.timeout(5):
        with pytest.raises(psycopg.OperationalError):
            await wire.ask(b"SELECT 1", [], tuple)
    assert not wire.is_free
