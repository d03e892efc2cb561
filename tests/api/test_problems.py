"""Every code of the contract has one form, whatever raised it."""

import pytest
from django.core.exceptions import TooManyFieldsSent

from api.problems import describe, problem, refusal_of
from commands import errors
from commands.errors import Internal, Refusal, Unauthenticated, Unavailable
from commands.subscription import StoreUnavailable

CONTRACT = {
    "bad_json": (400, False),
    "bad_request": (400, False),
    "invalid_field": (422, False),
    "unauthenticated": (401, False),
    "forbidden": (403, False),
    "banned": (403, False),
    "not_found": (404, False),
    "room_exists": (409, False),
    "handle_taken": (409, False),
    "idempotency_mismatch": (422, False),
    "label_reserved": (422, False),
    "after_beyond_head": (422, False),
    "method_not_allowed": (405, False),
    "archived": (409, False),
    "gone": (410, False),
    "too_large": (413, False),
    "rate_limited": (429, True),
    "slow_mode": (429, True),
    "projection_behind": (503, True),
    "room_parked": (503, True),
    "unavailable": (503, True),
    "overloaded": (503, True),
    "internal": (500, True),
    "unsupported_media_type": (415, False),
}
REFUSALS = {
    refusal.code: refusal
    for refusal in vars(errors).values()
    if isinstance(refusal, type) and issubclass(refusal, Refusal) and refusal is not Refusal
}


@pytest.mark.parametrize("code", CONTRACT)
def test_a_code_of_the_contract_is_a_problem_with_its_status(code: str) -> None:
    response = problem(REFUSALS[code](), "r-1")
    members = describe(REFUSALS[code](), "r-1")
    assert (response.status_code, members["retryable"]) == CONTRACT[code]
    assert members["status"] == response.status_code
    assert members["type"].endswith(code)
    assert members["detail"]
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert response.has_header("Retry-After") == (response.status_code in (429, 503))


def test_there_is_no_refusal_that_the_contract_does_not_know() -> None:
    assert REFUSALS.keys() - CONTRACT.keys() <= {"redacted", "legal_hold", "not_proved", "not_signed"}


def test_retry_after_is_in_whole_seconds_and_never_too_soon() -> None:
    assert problem(errors.RateLimited(retry_after_ms=1200), "r-1")["Retry-After"] == "2"
    assert problem(errors.RateLimited(retry_after_ms=1), "r-1")["Retry-After"] == "1"


def test_who_says_nothing_of_themselves_is_told_how() -> None:
    assert problem(Unauthenticated(), "r-1")["WWW-Authenticate"].startswith("Bearer")


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    assert isinstance(refusal_of(StoreUnavailable("disk")), Unavailable)


def test_a_suspicious_request_is_a_bad_one() -> None:
    assert refusal_of(TooManyFieldsSent()).code == "bad_request"


def test_what_is_our_own_fault_is_not_told() -> None:
    refusal = refusal_of(ZeroDivisionError("secret"))
    assert isinstance(refusal, Internal)
    assert "secret" not in refusal.detail
