"""Times on the wire."""

import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from commands.clock import LATEST_MS, from_rfc3339, now_ms, rfc3339
from tests.cast import NOON


def test_times_have_milliseconds_and_a_z() -> None:
    assert rfc3339(NOON + 7) == "2026-11-22T12:00:00.007Z"
    assert rfc3339(0) == "1970-01-01T00:00:00.000Z"
    assert rfc3339(LATEST_MS) == "9999-12-31T23:59:59.999Z"


@pytest.mark.parametrize(
    "text", ["2026-11-22T12:00:00.007Z", "2026-11-22T13:00:00.007+01:00", "2026-11-22 12:00:00.0079+00:00"]
)
def test_any_zone_is_read(text: str) -> None:
    assert from_rfc3339(text) == NOON + 7


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:00:00",
        "2026-11-22",
        "yesterday",
        "",
        "1795348800000",
        "2026-13-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00",
        "0001-01-01T00:00:00+12:00",
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (its message is for people)
        from_rfc3339(text)


@example(st.integers(0, 4_102_444_800_000))
def test_every_millisecond_survives_the_wire(unix_ms: int) -> None:
    assert from_rfc3339(rfc3339(unix_ms)) == unix_ms


def test_now_is_now() -> None:
    assert abs(from_rfc3339(rfc3339(now_ms())) - now_ms()) < 1000
