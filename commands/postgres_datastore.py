"""The library's own connections to the store: made when one of its tools first reads or writes through the recorder."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, override

from eventsourcing.postgres import PostgresDatastore
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row

from commands.postgres_connection import conninfo


class LazyDatastore(PostgresDatastore):
    """A datastore for a url, which connects when it is used and not when it is made."""

    def __init__(self, url: str) -> None:
        self._types_wanted = False
        parameters: dict[str, Any] = conninfo_to_dict(conninfo(url))
        super().__init__("", "", "", "", "", pool_size=1, max_overflow=9, originator_id_type="text")
        self.pool.kwargs = {**parameters, "row_factory": dict_row}

    @override
    def register_type_adapters(self) -> None:
        self._types_wanted = True

    @override
    @contextmanager
    def get_connection(self) -> Iterator[Connection[DictRow]]:
        if self._types_wanted:
            self._types_wanted = False
            super().register_type_adapters()
        with super().get_connection() as connection:
            yield connection
