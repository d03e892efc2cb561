"""A guest's token is the guest: recognised wherever it comes from, and never forged."""

import time

import pytest

from commands.errors import InvalidField, Unauthenticated
from commands.identity import COOKIE, MAX_AGE_S, Guests, Identity, clean_handle

GUESTS = Guests("a secret for tests")


def headers(**values: str) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in values.items()]


def test_a_guest_is_recognised_by_their_token() -> None:
    identity, token = GUESTS.welcome("ada")
    assert identity.handle == "ada"
    assert identity.person.startswith("guest:")
    assert GUESTS.recognise(token) == identity


def test_every_fresh_guest_is_somebody_else() -> None:
    assert len({GUESTS.welcome()[0].person for _ in range(100)}) == 100


def test_a_guest_without_a_handle_gets_one() -> None:
    identity, token = GUESTS.welcome()
    assert identity.handle == f"Guest-{identity.person[6:10]}"
    assert GUESTS.recognise(token) == identity


def test_a_guest_can_take_another_handle() -> None:
    identity, _ = GUESTS.welcome("ada")
    renamed, token = GUESTS.issue(identity.person, "Ada L.")
    assert GUESTS.recognise(token) == renamed == Identity(person=identity.person, handle="Ada L.")


def test_nobody_may_have_a_handle_that_hides_something() -> None:
    with pytest.raises(InvalidField):
        GUESTS.welcome("\u202eada")
    assert clean_handle("\u202eada") is None
    assert clean_handle("ada") == "ada"


def test_a_token_of_another_server_is_nobody() -> None:
    with pytest.raises(Unauthenticated):
        GUESTS.recognise(Guests("another secret").welcome()[1])


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "é", ".:.:.", "x" * 10_000])
def test_what_is_no_token_is_nobody(token: str) -> None:
    with pytest.raises(Unauthenticated):
        GUESTS.recognise(token)


def test_a_changed_token_is_nobody() -> None:
    token = GUESTS.welcome("ada")[1]
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(Unauthenticated):
            GUESTS.recognise(changed)


def test_a_token_holds_for_a_year(monkeypatch: pytest.MonkeyPatch) -> None:
    token = GUESTS.welcome("ada")[1]
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + MAX_AGE_S - 5)
    GUESTS.recognise(token)
    monkeypatch.setattr(time, "time", lambda: now + MAX_AGE_S + 5)
    with pytest.raises(Unauthenticated, match="expired"):
        GUESTS.recognise(token)


@pytest.mark.parametrize("other", ['prefs={"dark":true}', "a=b,c", 'x="', "=", "naïve=\xff", "no equals sign"])
def test_an_odd_cookie_of_another_program_hides_nobody(other: str) -> None:
    ada, token = GUESTS.welcome("ada")
    for cookies in (f"{other}; {COOKIE}={token}", f"{COOKIE}={token}; {other}"):
        assert GUESTS.find(headers(cookie=cookies)) == (ada, "cookie")


def test_a_bearer_token_goes_before_the_cookie() -> None:
    ada, ada_token = GUESTS.welcome("ada")
    grace, grace_token = GUESTS.welcome("grace")
    both = headers(cookie=f"theme=dark; {COOKIE}={grace_token}", authorization=f"bearer  {ada_token}")
    assert GUESTS.find(both) == (ada, "bearer")
    assert GUESTS.find(both[:1]) == (grace, "cookie")
    assert GUESTS.find([]) == (None, "")
    assert GUESTS.find(headers(authorization="Basic YTpi")) == (None, "")


def test_a_false_bearer_token_is_refused_and_a_false_cookie_is_none() -> None:
    with pytest.raises(Unauthenticated):
        GUESTS.find(headers(authorization="Bearer nobody"))
    for cookie in (f"{COOKIE}=nobody", "\x01;;==", COOKIE, f"{COOKIE}="):
        assert GUESTS.find(headers(cookie=cookie)) == (None, "")
