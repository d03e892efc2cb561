"""SQLite: three files beside each other, on a disk that keeps its word."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from django.conf import settings

from commands.sqlite_connection import files_beside
from config.checkups import keys, projections
from config.checkups.findings import Finding, Findings, ok, problem, warning

REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}
LITTLE_BYTES = 1024**3
FIRST_AFTER = "SELECT state FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT 1"


def check(django: Path) -> Findings:
    """Read Django's file and those beside it; none is made."""
    events, people = files_beside(django)
    yield ok("SQLite", f"{sqlite3.sqlite_version}, files in {django.parent}")
    yield _disk(django.parent)
    yield _privacy(django.parent)
    if not django.exists():
        yield problem("read tables", "there are none: run `manage.py migrate`")
        return
    for path in (events, people):
        yield _durability(path) if path.exists() else warning(path.name, "not there yet: `manage.py serve` makes it")
    try:
        if people.exists():
            with _reading(people) as connection:
                samples = [connection.execute(each).fetchone() for each in (keys.OLDEST, keys.NEWEST)]
            yield keys.check_master_key([row for row in samples if row], settings.MASTER_KEY)
        yield from projections.check((lambda position: _first_after(events, position)) if events.exists() else None)
    except sqlite3.Error as error:
        yield problem("SQLite", f"{error}: is the file damaged, or locked by another program?")


def _disk(folder: Path) -> Finding:
    kind, free = _file_system(folder), shutil.disk_usage(folder).free
    if kind in REMOTE:
        return problem("disk", f"{folder} is on {kind}, where SQLite's locks cannot be trusted: use a local disk")
    if free < LITTLE_BYTES:
        return warning("disk", f"{free // 1024**2} MiB are left in {folder}")
    return ok("disk", f"{free // 1024**3} GiB free in {folder}")


def _privacy(folder: Path) -> Finding:
    """Secrets that were made on the first run are their owner's alone."""
    open_to_all = [path.name for path in (folder / "secret_key", folder / "master_key") if _is_open(path)]
    if open_to_all:
        return problem("secrets", f"{', '.join(open_to_all)} in {folder} can be read by others: chmod 600")
    return ok("secrets", "readable by their owner alone")


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & 0o077)


def _durability(path: Path) -> Finding:
    """WAL is a property of the file; how often it is synchronised, each process sets for itself."""
    try:
        with _reading(path) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    except sqlite3.Error as error:
        return problem(path.name, f"{error}: restore it from a backup")
    if mode != "wal":
        return warning(path.name, f"journal_mode is {mode}, as in a backup: `manage.py serve` sets it to WAL")
    return ok(path.name, "journal_mode WAL")


def _first_after(path: Path, position: int) -> bytes | None:
    with _reading(path) as connection:
        row = connection.execute(FIRST_AFTER, (position,)).fetchone()
    return bytes(row[0]) if row else None


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
        yield connection


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on, where Linux tells (proc_mounts(5))."""
    mounts = Path("/proc/mounts")
    lines = mounts.read_text().splitlines() if mounts.exists() else []
    points = {Path(point): kind for _, point, kind, *_ in map(str.split, lines)}
    return next((points[parent] for parent in (folder, *folder.parents) if parent in points), "")
