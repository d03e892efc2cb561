"""The version of one projection beside the one in use: begun, brought forward, compared, exchanged. Synchronous."""

from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from commands.clock import now_ms
from commands.subscription import Fact
from projections import checkpoints
from projections.applying import Applier
from projections.beside_tables import tables_of
from projections.comparing import Comparison, compare
from projections.projection import Projection, count_upto
from projections.sql import rows, run
from projections.versions import key_beside

_SET = """
INSERT INTO projection_beside (projection, state, made_by, began_at, began_from) VALUES (%s, %s, %s, 0, 0)
ON CONFLICT (projection) DO UPDATE SET state = excluded.state, made_by = excluded.made_by
"""
_BEGAN = "UPDATE projection_beside SET began_at = %s, began_from = %s WHERE projection = %s"

BUILDING, COMPARING, RETURNING, KEPT = "building", "comparing", "returning", "kept"


class NothingKept(Exception):
    """There is no earlier version that could be put in use again."""


class WentBack(Exception):
    """The version in use has gone back behind the one beside it: somebody has emptied it."""


class Stretch(NamedTuple):
    """A stretch of the log: all events after a position, up to the last of these."""

    after: int
    facts: Sequence[Fact]

    @property
    def last(self) -> int:
        """The position of the last of them."""
        return self.facts[-1].recorded.position if self.facts else self.after


class Beside:
    """Never further than the version in use, so that reads never go back, and both can be compared at one position."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.position = 0
        self.target = 0
        self._tables = tables_of(projection)
        self._applier = Applier(projection, beside=True)

    def begin(self) -> None:
        """Go on with what this code began for tables like these, or begin anew."""
        made_by = f"{_code()} {sha256(self._tables.shape().encode()).hexdigest()}"
        begun = self._record() in ((BUILDING, made_by), (COMPARING, made_by))
        reached = checkpoints.position(key_beside(self.projection.name))
        if not (begun and self._tables.are_made() and reached <= checkpoints.position(self.projection.name)):
            self.discard()
            self._tables.make()
        self._set_out(BUILDING, made_by)

    def begin_to_return(self) -> None:
        """Bring the version that was kept forward. Raises: NothingKept."""
        if self._record()[0] not in (KEPT, RETURNING):
            raise NothingKept(f"No earlier version of {self.projection.name} is kept.")
        if not self._tables.are_made():
            raise NothingKept(f"The kept version of {self.projection.name} is of another shape than the one in use.")
        self._set_out(RETURNING, "")

    def discard(self) -> None:
        """Remove what is beside, whatever it is."""
        run("DELETE FROM projection_beside WHERE projection = %s", [self.projection.name])
        self._tables.remove()
        checkpoints.empty(key_beside(self.projection.name), ())

    def apply(self, stretch: Stretch) -> None:
        """Apply these events as far as the version in use has come. Raises: LostLead, WentBack."""
        self.target = checkpoints.position(self.projection.name)
        self._tables.write(self._applier.apply, self._next(stretch))
        self.position = self._applier.position

    def finish(self) -> None:
        """Called once when it has been brought forward, before it is compared."""
        state, made_by = self._record()
        if state == BUILDING:
            self._set_record(COMPARING, made_by)
        self._tables.finish()

    def compare(self, stretch: Stretch) -> Comparison | None:
        """Compare both at one position, to which these events may have to lead. None: try again, with later events."""
        self.apply(stretch)
        comparison = self._tables.meet(lambda: self._advance(stretch), lambda: compare(self.projection))
        self._load()
        return comparison

    def exchange(self, stretch: Stretch) -> bool:
        """Put it in use, and keep the one that was. False: try again, with later events."""
        self.apply(stretch)
        exchanged = self._tables.exchange(lambda: self._advance(stretch, lock=True), self._exchange_records)
        self._load()
        return exchanged

    def _set_out(self, state: str, made_by: str) -> None:
        self._load()
        self.target = checkpoints.position(self.projection.name)
        self._set_record(state, made_by)
        run(_BEGAN, [now_ms(), self.position, self.projection.name])

    def _advance(self, stretch: Stretch, *, lock: bool = False) -> bool:
        """Come to where the version in use is by now."""
        self.target = checkpoints.position(self.projection.name, lock=lock)
        self._applier.apply(self._next(stretch))
        return self._applier.position == self.target

    def _next(self, stretch: Stretch) -> Sequence[Fact]:
        """What of a stretch may be applied: nothing if it does not follow where we are. Raises: WentBack."""
        if self._applier.position > self.target:
            raise WentBack(f"{self.projection.name} is at {self.target}, behind the version beside it: start again.")
        if self._applier.position < stretch.after:
            return []
        return stretch.facts[: count_upto(stretch.facts, self.target)]

    def _load(self) -> None:
        """Be where the tables are: what was done in a transaction may have been taken back."""
        self._applier.load()
        self.position = self._applier.position

    def _exchange_records(self) -> None:
        """Both have the same checkpoint; each keeps the rooms that it has set aside."""
        checkpoints.exchange_parked(self.projection.name, key_beside(self.projection.name))
        self._set_record(KEPT, "")

    def _record(self) -> tuple[str, str]:
        """Its state, and what it was made by."""
        found = rows("SELECT state, made_by FROM projection_beside WHERE projection = %s", [self.projection.name])
        return found[0] if found else ("", "")

    def _set_record(self, state: str, made_by: str) -> None:
        run(_SET, [self.projection.name, state, made_by])


@cache
def _code() -> str:
    """A fingerprint of all code that decides what a projection makes of events."""
    root = Path(__file__).parents[1]
    files = sorted(path for folder in ("commands", "projections") for path in (root / folder).glob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
