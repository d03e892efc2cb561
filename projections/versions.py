"""Which version of a projection's tables is read and written: the one in use, or the one that is made beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

SCHEMA = "beside"
_before: ContextVar[str] = ContextVar("before", default="")


@contextmanager
def beside() -> Iterator[None]:
    """Within it, on this thread, a projection works on its tables beside those in use."""
    token = _before.set(beside_of(""))
    try:
        yield
    finally:
        _before.reset(token)


def is_beside() -> bool:
    """Whether it is the version beside."""
    return bool(_before.get())


def placed(table: str) -> str:
    """The name under which a table of the version that is being worked on is found."""
    return _before.get() + table


def beside_of(table: str) -> str:
    """The same table beside: PostgreSQL has it in a schema of its own, SQLite under a name of its own."""
    return f"{SCHEMA}.{table}" if connection.vendor == "postgresql" else f"{SCHEMA}_{table}"


def key_beside(projection: str) -> str:
    """Under which name the version beside has its checkpoint and its parked rooms."""
    return f"{projection}/{SCHEMA}"
