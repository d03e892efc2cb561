"""After somebody was erased: what else has their words than the tables in use. Synchronous, on Django's connection."""

from projections.beside import Beside
from projections.history import History
from projections.leading import Turn
from projections.sql import rows, truncate_wal

_BESIDE = "SELECT 1 FROM projection_beside WHERE projection = %s"


def leave_nothing() -> bool:
    """Remove what is kept beside the history, which follows the log no more, and on SQLite what the WAL has of it all.

    False if it has to be tried again: while a rebuild is running, which comes to the erasure by itself, or somebody
    reads the file without a pause.
    """
    return _clear_beside() and truncate_wal()


def _clear_beside() -> bool:
    if not rows(_BESIDE, [History.name]):
        return True
    turn = Turn([History.name])
    try:
        if not turn.take():
            return False
        Beside(History()).discard()
    finally:
        turn.give_up()
    return True
