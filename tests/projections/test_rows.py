"""Reading and writing sets of rows: by index, however many and however large the table."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from projections.history_tables import ITEMS
from projections.rows import Row, select_pairs
from tests.cast import GENERAL
from tests.projections.deployment import enlarge, on_django


@pytest.mark.usefixtures("deployment")
@pytest.mark.parametrize("many", [1, 2000])
def test_pairs_are_probed_one_by_one(database: str, many: int) -> None:
    enlarge(database)
    rows, scans = on_django(lambda: _found([(GENERAL, str(i)) for i in range(1, many + 1)]))
    assert len(rows) == many
    assert scans == 0


def _found(pairs: list[tuple[str, str]]) -> tuple[list[Row], int]:
    """What is found, and how often all of the table was read for it."""
    with transaction.atomic(), CaptureQueriesContext(connection) as captured:
        before = _scans()
        rows = select_pairs(ITEMS, ("room", "message_id"), pairs)
        if connection.vendor == "postgresql":
            return rows, _scans() - before
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {captured[0]['sql']}")
            plan = [str(line[-1]) for line in cursor.fetchall()]
        assert [line for line in plan if "history_item" in line]
        return rows, len([line for line in plan if line.startswith("SCAN history_item")])


def _scans() -> int:
    if connection.vendor == "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'history_item'")
        return int(cursor.fetchone()[0])
