"""The checker finds every fault that is planted, and finds nothing where there is none."""

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.history import Acknowledged, History, Logged, Record, Seen, Sent, Struck, Subscribed, check, read
from tests.cast import ADA, GENERAL, GRACE


def sent(name: str, person: str = ADA, message: str | None = None, connection: str = "a") -> Sent:
    return Sent(
        connection=connection, person=person, room=GENERAL, client_msg_id=name, message=message or f"say {name}"
    )


def acked(name: str, seq: int, *, person: str = ADA, duplicate: bool = False, connection: str = "a") -> Acknowledged:
    return Acknowledged(
        connection=connection,
        person=person,
        room=GENERAL,
        client_msg_id=name,
        message_id=f"id-{name}",
        seq=seq,
        position=seq * 10,
        duplicate=duplicate,
    )


def seen(seq: int, name: str | None) -> Seen:
    return Seen(watcher="w", room=GENERAL, seq=seq, position=seq * 10, message_id=name and f"id-{name}")


def logged(seq: int, name: str, person: str = ADA) -> Logged:
    return Logged(seq * 10, GENERAL, seq, person, f"id-{name}", name, f"say {name}")


OPENED = Logged(10, GENERAL, 1, ADA)
LOG = [OPENED, logged(2, "one"), logged(3, "two"), logged(4, "three", GRACE)]
RECORDS: list[Record] = [
    Subscribed(watcher="w", room=GENERAL, after=0),
    sent("one"),
    sent("two"),
    acked("one", 2),
    seen(1, None),
    seen(2, "one"),
    Struck(fault="kill -9", acknowledged=1),
    Subscribed(watcher="w", room=GENERAL, after=2),
    sent("two", connection="b"),
    acked("two", 3, duplicate=True, connection="b"),
    sent("three", GRACE),
    seen(3, "two"),
    seen(4, "three"),
]


def without(seq: int) -> list[Logged]:
    return [event for event in LOG if event.seq != seq]


def changed(seq: int, **fields: Any) -> list[Logged]:
    return [event._replace(**fields) if event.seq == seq else event for event in LOG]


def test_a_faultless_history_passes() -> None:
    assert check(RECORDS, LOG) == []


def test_an_unacknowledged_message_may_be_there_or_not() -> None:
    records = [record for record in RECORDS if not isinstance(record, Seen)]
    assert check(records, without(4)) == []


def test_a_run_without_any_acknowledgement_shows_nothing() -> None:
    assert check([record for record in RECORDS if not isinstance(record, Acknowledged)], LOG) != []


@pytest.mark.parametrize(
    ("fault", "log"),
    [
        ("was acknowledged as seq 3 and is not there", without(3)),
        ("was acknowledged as seq 3 and is not there", changed(3, message_id="id-other")),
        ("was acknowledged as seq 3 and is not there", changed(3, position=31)),
        ("is in its room 2 times", [*LOG, logged(5, "one")]),
        ("is in its room 2 times", [*LOG, logged(5, "three", GRACE)]),
        ("seq is not 1 … 3", without(3)),
        ("seq is not 1 … 5", [*LOG, logged(6, "four")]),
        ("seq is not 1 … 5", [*LOG, logged(4, "four")]),
        ("position does not rise with seq", changed(3, position=15)),
        ("two events have one position", changed(3, position=20)),
        ("never sent this", changed(4, message="something else")),
        ("never sent this", changed(4, person=ADA)),
        ("never sent this", [*LOG, logged(5, "nobody's")]),
        ("saw another event as seq 3", changed(3, message_id="id-other")),
        ("saw another event as seq 4", without(4)),
    ],
)
def test_a_fault_in_the_log_is_found(fault: str, log: list[Logged]) -> None:
    assert [found for found in check(RECORDS, log) if fault in found]


@pytest.mark.parametrize(
    ("fault", "records"),
    [
        ("was acknowledged in 2 places", [*RECORDS, acked("one", 4, duplicate=True)]),
        ("was new 2 times", [*RECORDS, acked("one", 2)]),
        ("was acknowledged as seq 5 and is not there", [*RECORDS, sent("four"), acked("four", 5)]),
        ("got 4 where 3 was due", [record for record in RECORDS if record != seen(3, "two")]),
        ("got 4 where 5 was due", [*RECORDS, seen(4, "three")]),
        ("got 3 where 5 was due", [*RECORDS, seen(3, "two")]),
        ("saw another event as seq 5", [*RECORDS, seen(5, "five")]),
        (
            "stands in another order",
            [sent("two"), sent("one"), acked("two", 3), acked("one", 2), sent("three", GRACE)],
        ),
    ],
)
def test_a_fault_in_what_clients_got_is_found(fault: str, records: list[Record]) -> None:
    assert [found for found in check(records, LOG) if fault in found]


def test_a_message_that_was_refused_and_sent_again_may_stand_behind_later_ones() -> None:
    records: list[Record] = [
        sent("two"),
        sent("one"),
        acked("one", 2),
        sent("two"),
        acked("two", 3),
        sent("three", GRACE),
    ]
    assert check(records, LOG) == []


def test_a_history_is_read_as_it_was_written(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    for record in RECORDS:
        history.add(record)
    history.close()
    assert read(tmp_path / "history.jsonl") == RECORDS == history.records
    assert history.acknowledged == 2
