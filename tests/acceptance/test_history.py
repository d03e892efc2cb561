"""The checker finds every fault that is planted, and finds nothing where there is none."""

from pathlib import Path

import pytest

from tests.acceptance.history import Acknowledged, CutOff, History, Read, Record, Resumed, Seen, Subscribed, read
from tests.acceptance.planted import (
    LINES,
    LOG,
    RECORDS,
    VIEWS,
    acked,
    at_times,
    changed,
    instead,
    log_without,
    logged,
    page,
    seen,
    sent,
    without,
)
from tests.acceptance.promises import Logged, View, check
from tests.acceptance.timing import Recovery, deliveries, rate, recoveries, resumptions
from tests.cast import ADA, GENERAL, GRACE


def test_a_faultless_history_passes() -> None:
    assert check(RECORDS, LOG, VIEWS) == []


def test_an_unacknowledged_message_may_be_there_or_not() -> None:
    assert check(without(Seen, Subscribed, Read), log_without(4)) == []


def test_a_run_without_any_acknowledgement_shows_nothing() -> None:
    assert check(without(Acknowledged), LOG, VIEWS) == ["nothing was acknowledged: this run shows nothing"]


@pytest.mark.parametrize(
    ("fault", "log"),
    [
        pytest.param("was acknowledged as seq 3 and is not there", log_without(3), id="acknowledged before commit"),
        pytest.param("was acknowledged as seq 3 and is not there", changed(3, message_id="id-other"), id="other id"),
        pytest.param("was acknowledged as seq 3 and is not there", changed(3, position=31), id="other position"),
        pytest.param("is in its room 2 times", [*LOG, logged(5, "one")], id="acknowledged, and twice"),
        pytest.param("is in its room 2 times", [*LOG, logged(5, "three", GRACE)], id="not acknowledged, and twice"),
        pytest.param("seq is not 1 … 3", log_without(3), id="a gap in seq"),
        pytest.param("seq is not 1 … 5", [*LOG, logged(6, "four")], id="a gap at the end"),
        pytest.param("seq is not 1 … 5", [*LOG, logged(4, "four")], id="a seq twice"),
        pytest.param("position does not rise with seq", changed(3, position=15), id="swapped positions"),
        pytest.param("two events have one position", changed(3, position=20), id="a position twice"),
        pytest.param("never sent this", changed(4, message="something else"), id="other words"),
        pytest.param("never sent this", changed(4, person=ADA), id="said by another"),
        pytest.param("never sent this", [*LOG, logged(5, "nobody's")], id="an invented message"),
        pytest.param("saw another event as seq 3", changed(3, message_id="id-other"), id="delivered, not recorded"),
        pytest.param("heard nothing after 4 of 5", [*LOG, logged(5, "four")], id="the last one never delivered"),
    ],
)
def test_a_fault_in_the_log_is_found(fault: str, log: list[Logged]) -> None:
    assert [found for found in check(RECORDS, log) if fault in found]


@pytest.mark.parametrize(
    ("fault", "records"),
    [
        pytest.param("was acknowledged in 2 places", [*RECORDS, acked("one", 4, duplicate=True)], id="two places"),
        pytest.param("was new 2 times", [*RECORDS, acked("one", 2)], id="new twice"),
        pytest.param("acknowledged as seq 5", [*RECORDS, sent("four"), acked("four", 5)], id="acknowledged and lost"),
        pytest.param("got 4 where 3 was due", instead(seen(3, "two")), id="a dropped delivery"),
        pytest.param("got 3 where 4 was due", instead(seen(3, "two"), *[seen(3, "two")] * 2), id="a doubled delivery"),
        pytest.param("got 1 where 3 was due", instead(seen(3, "two"), seen(1, None)), id="a late delivery"),
        pytest.param("saw another event as seq 3", instead(seen(3, "two"), seen(3, "2")), id="delivery of other words"),
        pytest.param("saw another event as seq 5", [*RECORDS, seen(5, "five")], id="delivery of nothing there"),
        pytest.param("heard nothing after 3 of 4", instead(seen(4, "three")), id="a delivery never made"),
        pytest.param(
            "stands in another order",
            at_times([sent("two"), sent("one"), acked("two", 3), acked("one", 2), sent("three", GRACE)]),
            id="swapped on one connection",
        ),
        pytest.param(
            "2 was sent after seq 3 was acknowledged",
            at_times([sent("two"), acked("two", 3), sent("one", connection="c"), sent("three", GRACE)]),
            id="swapped between clients",
        ),
        pytest.param(
            "lacks it",
            instead(page(4, "two", "three", min_position=30), page(3, "one", "two", min_position=40)),
            id="min_position not reached",
        ),
        pytest.param(
            "was taken back to 2 from 3",
            instead(page(4, "two", "three", min_position=30), page(2, "one")),
            id="a read that goes back",
        ),
        pytest.param("read another page", instead(page(2, "one"), page(2)), id="a read that lacks a message"),
        pytest.param("read another page", instead(page(2, "one"), page(2, "1")), id="a read of another message"),
    ],
)
def test_a_fault_in_what_clients_got_is_found(fault: str, records: list[Record]) -> None:
    assert [found for found in check(records, LOG) if fault in found]


@pytest.mark.parametrize(
    ("fault", "view"),
    [
        ("history differs from the log: 2 are not 3", View("history", GENERAL, LINES[1:3])),
        ("history differs from the log: Line(seq=4", View("history", GENERAL, [LINES[1], LINES[3]])),
        ("stream differs from the log: Line(seq=2", View("stream", GENERAL, LINES[1:], "events")),
        ("table differs from the log: 3 are not 4", View("table", GENERAL, VIEWS[2].lines[:3], "places")),
        ("history differs from the log: 3 are not 0", View("history", "nowhere", LINES[1:])),
    ],
)
def test_what_is_read_otherwise_than_the_log_has_it_is_found(fault: str, view: View) -> None:
    [found] = check(RECORDS, LOG, [*VIEWS, view])
    assert fault in found


def test_a_message_that_was_refused_and_sent_again_may_stand_behind_later_ones() -> None:
    again: list[Record] = [
        sent("two"),
        sent("one"),
        acked("one", 2),
        sent("two"),
        acked("two", 3),
        sent("three", GRACE),
    ]
    assert check(at_times(again), LOG) == []


def test_a_fault_is_over_when_what_was_sent_since_then_is_answered() -> None:
    assert recoveries(RECORDS) == [Recovery("kill -9", 2.0)]
    assert recoveries([record for record in RECORDS if record.at != 12.0]) == [Recovery("kill -9", float("inf"))]


def test_a_client_is_away_from_its_cut_until_it_is_served_again() -> None:
    told: list[Record] = [
        CutOff(client="ada", at=1.0),
        CutOff(client="grace", at=2.0),
        Resumed(client="grace", at=2.5),
        Resumed(client="ada", at=4.0),
        CutOff(client="ada", at=5.0),
    ]
    assert resumptions(told) == [0.5, 3.0]


def test_a_rate_is_that_of_times_without_a_fault() -> None:
    assert rate(RECORDS) == 1 / 7


def test_a_delivery_takes_from_the_first_sending_to_whoever_was_there() -> None:
    assert deliveries(RECORDS, 0.0, 99.0) == [4.0, 12.0, 2.0]
    assert deliveries(RECORDS, 3.0, 99.0) == [2.0]


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for record in RECORDS:
        history.add(record)
    history.close()
    assert read(tmp_path / "history.jsonl") == RECORDS == history.records
    assert (history.acknowledged, history.heads, history.positions) == (2, {GENERAL: 3}, {GENERAL: 30})
    assert history.answered == 11.0
