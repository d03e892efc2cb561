"""Reading an NDJSON export back: all of it is checked before anything is appended."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from archive.checking import Check, raw_lines
from archive.lines import Line, event_of
from archive.sources import Damaged
from commands.restoring import Decided
from commands.rules import LABEL


class Ndjson:
    """An auditor's export as a source of events."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.skipped: Counter[str] = Counter()

    def decided(self) -> Iterator[Decided]:
        """Every event, in the order of the file. Raises: Damaged, with the line, for what cannot be put back."""
        check = Check()
        with self._path.open("rb") as file:
            for number, line in check.entries(raw_lines(file)):
                if check.header and check.header.view != "auditor":
                    raise Damaged("this export was made for a reader: it lacks what readers may not see")
                if check.findings:
                    break
                yield _decided(number, line)
        if check.findings:
            raise Damaged(str(check.findings[0]))


def _decided(number: int, line: Line) -> Decided:
    """Raises: Damaged."""
    name = f"line {number}: {line.stream}/{line.seq}"
    if line.stub == "hidden":
        raise Damaged(f"{name} could not be opened when it was exported")
    if not LABEL.fullmatch(line.stream):
        raise Damaged(f"{name}: {line.stream} is no label")
    try:
        return Decided(line.stream, event_of(line), erased=line.stub == "erased")
    except ValueError as error:
        raise Damaged(f"{name} is no event: {error}") from None
