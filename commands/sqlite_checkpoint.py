"""Moving what was committed from SQLite's WAL into the file, on a thread of its own, so that no commit waits for it."""

import logging
import sqlite3
import threading
from concurrent.futures import Executor

from commands.sqlite_connection import connect

log = logging.getLogger(__name__)

EVERY_S = 2.0
MAX_WAL_PAGES = 16_384
"""64 MiB: a WAL that has grown beyond begins anew."""
BUSY_TIMEOUT_MS = 200
"""How long commits may be kept waiting for a reader who still needs the old WAL; then it grows on."""


class Checkpointer:
    """Keeps the WAL of one file short. `writing` is the thread that commits. What goes wrong is tried again."""

    def __init__(self, path: str, writing: Executor) -> None:
        self._path = path
        self._writing = writing
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-checkpoint", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Fold the whole WAL into the file, and end. Blocks until it is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            if self._checkpoint("PASSIVE") > MAX_WAL_PAGES:
                # Under a steady load there is always a commit that PASSIVE did not see, and SQLite begins a WAL anew
                # only when there is none: without a turn among the commits it would grow for ever.
                self._writing.submit(self._checkpoint, "RESTART").result()
        self._checkpoint("TRUNCATE")

    def _checkpoint(self, mode: str) -> int:
        """Checkpoint as far as possible; answers how long the WAL is, in pages, 0 if that is not known."""
        try:
            connection = connect(self._path)
            try:
                connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
                _, pages, _ = connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
                return int(pages)
            finally:
                connection.close()
        except sqlite3.Error:
            log.exception("checkpointing the store's WAL failed")
            return 0
