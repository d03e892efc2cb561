"""Making, listing and revoking tokens."""

import io

import pytest
from django.core.management import CommandError, call_command

from commands.clock import now_ms
from config.management.commands.createtoken import DAY_MS, MAX_DAYS
from config.models import ApiToken
from config.tokens import digest_of


@pytest.fixture(autouse=True)
def none_yet(database: None) -> None:
    ApiToken.objects.all().delete()


def run(*command: str) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*command, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_a_token_is_shown_once_and_only_its_hash_is_kept() -> None:
    token = run("createtoken", "march").strip()
    assert token.startswith("verbatim_")
    assert len(token) == len("verbatim_") + 43
    [kept] = ApiToken.objects.values()
    assert kept["digest"] == digest_of(token)
    assert token not in repr(kept)
    assert (kept["name"], kept["scope"], kept["expires_at"], kept["revoked_at"]) == ("march", "audit", None, None)


def test_a_token_may_last_for_some_days() -> None:
    run("createtoken", "march", "--days", "2")
    expires_at = ApiToken.objects.get().expires_at
    assert expires_at
    assert 0 < expires_at - now_ms() - DAY_MS <= DAY_MS
    with pytest.raises(CommandError, match="a day at least"):
        run("createtoken", "april", "--days", "0")


@pytest.mark.parametrize("days", [MAX_DAYS + 1, 99_999_999, 10**30])
def test_a_token_does_not_last_for_ages(days: int) -> None:
    with pytest.raises(CommandError, match=f"{MAX_DAYS} days at most"):
        run("createtoken", "march", "--days", str(days))
    assert run("revoketoken") == ""
    run("createtoken", "march", "--days", str(MAX_DAYS))
    assert "expires 21" in run("revoketoken")


def test_a_token_that_outlasts_all_years_is_listed() -> None:
    run("createtoken", "march")
    ApiToken.objects.update(expires_at=now_ms() + 99_999_999 * DAY_MS)
    run("createtoken", "april")
    first, second = run("revoketoken").splitlines()
    assert first.endswith("lasts until it is revoked")
    assert second.startswith("april")
    run("revoketoken", "march")
    assert "revoked 2" in run("revoketoken")


def test_a_name_is_taken_once() -> None:
    run("createtoken", "march")
    with pytest.raises(CommandError, match="called march already"):
        run("createtoken", "march")


def test_a_token_is_revoked_by_its_name_and_listed() -> None:
    run("createtoken", "march")
    run("createtoken", "april", "--days", "1")
    run("revoketoken", "march")
    first, second = run("revoketoken").splitlines()
    assert first.startswith("march  audit  made 2")
    assert "revoked 2" in first
    assert "expires 2" in second
    for name in ("march", "may"):
        with pytest.raises(CommandError, match=f"called {name}"):
            run("revoketoken", name)
