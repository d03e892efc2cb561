"""The seqs of a room are 1, 2, 3 …, and whatever else they are is noticed."""

from collections.abc import Iterable

import pytest

from commands.store import Recorded
from projections import seqs
from projections.seqs import Missing, Seqs
from tests.cast import GARDEN, GENERAL


def taken(*events: tuple[str, int]) -> Seqs:
    found = Seqs()
    found.take(
        Recorded(position, room, seq, "message.posted", "message:1", b"{}")
        for position, (room, seq) in enumerate(events, 1)
    )
    return found


def general(numbers: Iterable[int]) -> Seqs:
    return taken(*((GENERAL, seq) for seq in numbers))


def test_complete_seqs_of_several_rooms_are_well() -> None:
    found = taken((GENERAL, 1), (GARDEN, 1), (GENERAL, 2), (GARDEN, 2))
    assert (found.missing, found.misplaced, found.rooms, found.last(GENERAL), found.last("attic")) == ([], [], 2, 2, 0)


def test_a_gap_is_between_the_events_around_it() -> None:
    assert general([1, 4, 5]).missing == [Missing(GENERAL, 2, 1, 2), Missing(GENERAL, 3, 1, 2)]
    assert general([3]).missing == [Missing(GENERAL, 1, 0, 1), Missing(GENERAL, 2, 0, 1)]


def test_what_comes_late_is_not_missing_but_misplaced() -> None:
    found = general([1, 3, 2, 4])
    assert (found.missing, [event.seq for event in found.misplaced]) == ([], [2])


def test_what_comes_twice_is_misplaced() -> None:
    assert [event.position for event in general([1, 2, 2, 0]).misplaced] == [3, 4]


def test_what_somebody_remembers_is_missing_at_the_end() -> None:
    found = general([1])
    found.expect(GENERAL, 2, 9)
    found.expect("attic", 1, 9)
    found.expect(GENERAL, 1, 9)
    assert found.missing == [Missing(GENERAL, 2, 1, 9), Missing("attic", 1, 0, 9)]


def test_of_very_many_the_number_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqs, "MAX_KEPT", 3)
    found = general([6, 5, 4, 4, 4, 4])
    assert len(found.missing) + len(found.misplaced) <= 6
    assert found.uncounted == 2 + 2
