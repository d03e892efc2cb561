"""What a verification finds, in words and for programs."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from commands.clock import rfc3339
from commands.subscription import Recorded
from commands.treehead import Head, SignedHead
from projections.differing import Difference
from projections.seqs import Missing

MAX_LISTED = 20
NOT_SIGNED = "no tree head that holds covers it"


type Place = tuple[str | None, int | None, int | None]
"""An event's room, seq and position; any of them may be unknown."""


class Finding(NamedTuple):
    """Something that is wrong: what (`kind`), in words, and the events that it is about, as far as they are known."""

    kind: str
    says: str
    events: tuple[Place, ...] = ()

    def members(self) -> dict[str, Any]:
        """It as JSON has it."""
        events = [{"room": room, "seq": seq, "position": position} for room, seq, position in self.events]
        return {"kind": self.kind, "says": self.says, "events": events}


def of_difference(found: Difference, covering: SignedHead | None, gone: Sequence[Missing], *, at_end: bool) -> Finding:
    """What became of events. `covering` is the first head over them, `gone` names those that are missing, if any."""
    signed = f"signed at {rfc3339(covering.head.signed_at)}" if covering else NOT_SIGNED
    match found.kind:
        case "changed":
            says = f"{_name(found.events[0])} is not what it was when it was hashed ({signed})"
        case "swapped":
            says = f"{_name(found.events[0])} and {_name(found.events[1])} have changed places ({signed})"
        case "inserted":
            says = f"{_name(found.events[0])} was inserted: it is not among those that were hashed ({signed})"
        case "removed":
            return _removed(found, signed, gone, at_end=at_end)
    return Finding(found.kind, says, tuple(map(_place, found.events)))


def of_missing(missing: Sequence[Missing]) -> Finding:
    """Seqs, one after the other, that a room lacks."""
    first, last = missing[0], missing[-1]
    which = f"event {first.seq} is" if first == last else f"events {first.seq:,} to {last.seq:,} are"
    says = f"room {first.room}: {which} missing, after position {first.after}"
    return Finding("seq_missing", says, tuple((each.room, each.seq, None) for each in missing[:MAX_LISTED]))


def of_misplaced(event: Recorded) -> Finding:
    """An event out of its room's order."""
    says = f"room {event.stream}: seq {event.seq} comes out of order, at position {event.position}"
    return Finding("seq_order", says, (_place(event),))


def of_forged(head: SignedHead) -> Finding:
    """A head that nobody signed who is trusted."""
    return Finding("forged_head", f"{_head(head.head)} is not signed by a key that you trust")


def of_truncated(head: Head, stored: int) -> Finding:
    """A head over more events than there are."""
    says = f"the log ends too early: {_head(head)} covers {head.tree_size - stored:,} events more than there are"
    return Finding("truncated", says)


def of_mismatch(head: Head, before: int, *, others: int) -> Finding:
    """A head that fits neither the events nor the tree, and how many others there are."""
    where = f"something among the events number {before + 1:,} to {head.tree_size:,} of the log is not what was signed"
    more = f", and {others:,} later heads" if others else ""
    return Finding("head_mismatch", f"{where}: {_head(head)} has another root{more}")


def of_tree(number: int, why: str) -> Finding:
    """A tile that is not what it was."""
    says = f"the tree itself was changed: the hashes of events number {number * 256 + 1:,} and on {why}"
    return Finding("tree", f"{says} (build it again: manage.py rebuild proof)")


def _removed(found: Difference, signed: str, gone: Sequence[Missing], *, at_end: bool) -> Finding:
    positions = found.positions
    places = _places(gone, positions or ())
    which = _numbers(found.leaf_index + 1, len(found.leaves))
    where = _at(positions) if positions else f"between the positions {found.after} and {found.before}"
    names = f": {_names(gone)}" if gone else ""
    if at_end:
        return Finding("truncated", f"the tail was cut off: {which} ({where}) gone ({signed}){names}", places)
    return Finding("removed", f"{which} removed ({where}; {signed}){names}", places)


def _places(gone: Sequence[Missing], positions: Sequence[int]) -> tuple[Place, ...]:
    """Where what is missing was, as far as it is known."""
    if gone:
        position = positions[0] if len(positions) == 1 else None
        return tuple((each.room, each.seq, position) for each in gone)
    return tuple((None, None, position) for position in positions[:MAX_LISTED])


def _numbers(first: int, count: int) -> str:
    if count == 1:
        return f"event number {first:,} of the log was"
    return f"events number {first:,} to {first + count - 1:,} of the log were"


def _at(positions: range) -> str:
    return f"position {positions[0]}" if len(positions) == 1 else f"positions {positions[0]} to {positions[-1]}"


def _names(gone: Sequence[Missing]) -> str:
    listed = ", ".join(f"event {each.seq} of room {each.room}" for each in gone[:MAX_LISTED])
    return listed + (f" and {len(gone) - MAX_LISTED:,} more" if len(gone) > MAX_LISTED else "")


def _name(event: Recorded) -> str:
    return f"event {event.seq} of room {event.stream} (position {event.position})"


def _place(event: Recorded) -> tuple[str, int, int]:
    return event.stream, event.seq, event.position


def _head(head: Head) -> str:
    return f"the tree head of {head.tree_size:,} events (signed at {rfc3339(head.signed_at)})"
