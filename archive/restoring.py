"""Reading an NDJSON export back: all of it is checked before anything is appended."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from archive import lines, manifest
from archive.checking import Check, raw_lines
from archive.lines import UNREADABLE, Line, event_of
from archive.sources import Damaged, Source
from archive.stored import day_of_line
from commands.restoring import Decided
from commands.rules import LABEL


class Ndjson(Source):
    """An auditor's export as a source of events."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._checked = ""

    def check(self) -> None:
        """Check all that the file says of itself. Raises: Damaged, with the line, for what cannot be put back."""
        check = Check()
        with self._path.open("rb") as file:
            for number, line in check.entries(raw_lines(file)):
                if check.header and check.header.view != "auditor":
                    raise Damaged("this export was made for a reader: it lacks what readers may not see")
                if check.findings:
                    break
                _decided(number, line)
        if check.findings:
            raise Damaged(str(check.findings[0]))
        self._checked = check.account.sha256

    def decided(self) -> Iterator[Decided]:
        """Every event, in the order of the file. Raises: Damaged, in the end, if it is not the one that was checked."""
        hashed = sha256()
        with self._path.open("rb") as file:
            for number, written in enumerate(raw_lines(file), 1):
                if written.startswith(manifest.BEGINS):
                    break
                hashed.update(written)
                if number > 1:
                    yield _decided(number, _decoded(number, written))
        if hashed.hexdigest() != self._checked:
            raise Damaged("it is not the file that was checked")


def _decoded(number: int, written: bytes) -> Line:
    """Raises: Damaged."""
    try:
        return lines.decode(written)
    except UNREADABLE as error:
        raise Damaged(f"line {number}: {error}") from None


def _decided(number: int, line: Line) -> Decided:
    """Raises: Damaged."""
    name = f"line {number}: {line.stream}/{line.seq}"
    if line.stub == "hidden":
        raise Damaged(f"{name} could not be opened when it was exported")
    if not LABEL.fullmatch(line.stream):
        raise Damaged(f"{name}: {line.stream} is no label")
    try:
        return Decided(line.stream, event_of(line), erased=line.stub == "erased", day=day_of_line(line))
    except ValueError as error:
        raise Damaged(f"{name} is no event: {error}") from None
