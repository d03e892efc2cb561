"""A projection's tables beside those in use: what both databases can do with them."""

from collections.abc import Callable, Sequence
from typing import Protocol

from django.db import connection

from commands.subscription import Fact
from projections.beside_postgres import PostgresTables
from projections.beside_sqlite import SQLiteTables
from projections.projection import Projection


class Tables(Protocol):
    """Made, filled and exchanged so that those who use the tables in use wait for nothing they would notice."""

    def shape(self) -> str:
        """How the tables in use are defined, to the last index."""

    def are_made(self) -> bool:
        """Whether all tables are there beside, defined as those in use are, if need be to be finished."""

    def make(self) -> None:
        """Define the tables beside as those in use are. There are none."""

    def remove(self) -> None:
        """Remove what is beside, whatever it is."""

    def write(self, apply: Callable[[Sequence[Fact]], None], facts: Sequence[Fact]) -> None:
        """Have events applied, in portions and at a pace that others can live with."""

    def finish(self) -> None:
        """What is better done when the tables have been filled."""

    def meet[T](self, advance: Callable[[], bool], look: Callable[[], T | None]) -> T | None:
        """What `look` sees in one snapshot once `advance` has brought both versions to the same position.

        None if either could not; then try again.
        """

    def exchange(self, advance: Callable[[], bool], and_then: Callable[[], None]) -> bool:
        """Put each version in the other's place, and do what belongs to it, in one transaction.

        `advance` is called when nobody can move the version in use any more. Answers False, with nothing exchanged, if
        it could not bring both to the same position, or if somebody has been reading for long: then try again.
        """


def tables_of(projection: Projection) -> Tables:
    """Those of a projection, on the database that Django uses."""
    return PostgresTables(projection) if connection.vendor == "postgresql" else SQLiteTables(projection)
