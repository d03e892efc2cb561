"""Fan-out's search for the highest rate, its tables, and what is asked for on the command line."""

from collections.abc import Callable

import pytest

from bench.__main__ import chosen
from bench.fanout import sittings
from bench.fanout.generator import FAILED
from bench.fanout.search import FIRST_RATE, NEAR_ENOUGH, find_highest
from bench.fanout.tables import remarks, rows
from bench.shapes.meter import Figures

GOOD: Figures = {"hopeless": 0, "missing": 0, "misplaced": 0, "gone": 0, "refused": 0, "others": 0.1, "rate": 100.0}
BAD: Figures = {**GOOD, "rate": 900.0, "missing": 2}


def holding(most: float) -> Callable[[float], Figures]:
    """A server that holds rates up to this one."""
    return lambda rate: {**GOOD, "took_s": 3.0, "p99_ms": 5.0 if rate <= most else 1500.0}


@pytest.mark.parametrize("most", [FIRST_RATE / 4, 100.0, 777.0])
def test_the_highest_rate_that_is_held_is_found(most: float) -> None:
    assert most / NEAR_ENOUGH <= find_highest(holding(most), 3.0)["messages"] <= most


@pytest.mark.parametrize("wrong", [{"missing": 1}, {"refused": 1}, {"hopeless": 1}, {"took_s": 3.4}])
def test_a_rate_is_not_held_where_something_went_wrong_or_was_late(wrong: Figures) -> None:
    with pytest.raises(RuntimeError, match="not a single rate"):
        find_highest(lambda rate: {**holding(rate)(rate), **wrong}, 3.0)


def test_a_turn_with_faults_has_no_figures_and_is_told() -> None:
    turns = {"ours": [GOOD, BAD, GOOD], "rival": [BAD, FAILED, GOOD]}
    assert rows(turns, [("deliveries/s", "rate", 0)]) == [
        {"": "ours", "deliveries/s": "100"},
        {"": "rival", "deliveries/s": "100"},
    ]
    assert remarks(turns, "rate", [("ours", "rival"), ("ours", "nobody")]) == [
        "Deliveries/s, ours / rival: 1.00 (1.00 to 1.00).",
        "Other programs used 0.10 cores (at most 0.10).",
        "ours is left out where it was wrong: 2 deliveries missing.",
        "rival is left out where it was wrong: 2 deliveries missing; 1 turn that failed.",
    ]


def test_who_has_no_good_turn_has_no_figures() -> None:
    turns = {"ours": [GOOD], "rival": [FAILED]}
    assert rows(turns, [("deliveries/s", "rate", 0)])[1] == {"": "rival", "deliveries/s": "–"}
    assert remarks(turns, "rate", [("ours", "rival")])[0] == "Deliveries/s, ours / rival: not measured."


def test_the_parts_of_fanout_follow_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[list[str]] = []
    monkeypatch.setattr(sittings, "hold", held.append)
    for benchmark in chosen(["fanout", "closed", "s2", "fanout"]):
        benchmark()
    assert held == [["closed", "s2"], []]


def test_a_part_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SystemExit, match="has no part nothing"):
        sittings.hold(["nothing"])
