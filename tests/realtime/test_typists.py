"""Who types: told to the others at most once a second, and over soon."""

import pytest
from pytest_django import Settings

from commands.errors import RateLimited
from realtime.notice import BEAT_S
from realtime.typists import MAX_TYPISTS, PER_S, TYPES_S
from tests.cast import GARDEN, GENERAL
from tests.realtime.company import Alone


@pytest.fixture
def company() -> Alone:
    return Alone()


def test_the_others_are_told_who_types_and_when_it_is_over(company: Alone) -> None:
    ada, grace, linus = (company.come(name) for name in ("ada", "grace", "linus"))
    company.type("ada")
    company.pass_time(TYPES_S + 2)
    assert grace.told("typing") == [
        {"type": "typing", "room": GENERAL, "who": [{"person": "guest:ada", "handle": "ada"}]},
        {"type": "typing", "room": GENERAL, "who": []},
    ]
    assert linus.told("typing") == grace.told("typing")
    assert ada.told("typing") == []


def test_whoever_types_is_told_of_the_others(company: Alone) -> None:
    ada, grace = company.come("ada"), company.come("grace")
    company.type("ada")
    company.pass_time(1)
    company.type("grace")
    company.pass_time(TYPES_S + 2)
    assert ada.typing() == [["ada", "grace"], []]
    assert grace.typing() == [["ada"], ["grace"]]


def test_it_goes_on_as_long_as_they_type_without_a_word_more(company: Alone) -> None:
    company.come("ada")
    grace = company.come("grace")
    for _ in range(10):
        company.type("ada")
        company.pass_time(TYPES_S - 1)
    assert grace.typing() == [["ada"]]


def test_whoever_leaves_types_no_more(company: Alone) -> None:
    socket, grace = company.come("ada"), company.come("grace")
    company.type("ada")
    company.pass_time(1)
    company.go("ada", socket, may_return=False)
    company.pass_time(1)
    assert grace.typing() == [["ada"], []]


def test_the_room_is_told_at_most_once_a_second(company: Alone) -> None:
    grace = company.come("grace")
    for n in range(40):
        company.type(f"guest {n % 3}")
        if n % 2:
            company.typists.remove(GENERAL, f"guest:guest {n % 3}")
        company.pass_time(BEAT_S)
    assert len(grace.typing()) <= 40 * BEAT_S


def test_only_the_room_is_told(company: Alone) -> None:
    company.come("ada")
    grace = company.come("grace", GARDEN)
    company.type("ada")
    company.pass_time(2)
    assert grace.typing() == []


def test_hundreds_who_type_are_ten_names(company: Alone) -> None:
    grace = company.come("grace")
    for n in range(500):
        company.type(f"guest {n}")
    company.pass_time(1)
    assert [len(who) for who in grace.typing()] == [MAX_TYPISTS]
    assert len(company.typists._rooms[GENERAL].until) == MAX_TYPISTS
    company.pass_time(TYPES_S + 2)
    assert company.typists.rooms == 0


def test_a_room_of_ten_thousand_is_told_in_slices(company: Alone) -> None:
    ears = [company.come(f"guest {n}") for n in range(10_000)]
    company.pass_time(20)
    for n in range(40):
        company.type(f"guest {n}")
        company.pass_time(BEAT_S)
    assert company.typists.frames <= 10 * PER_S
    assert max(len(ear.typing()) for ear in ears) <= 10 * PER_S / 10_000 + 1


def test_a_socket_that_types_too_fast_is_told_so(company: Alone, settings: Settings) -> None:
    settings.LIMITS_ON = True
    company.come("ada")
    for _ in range(10):
        company.type("ada")
    with pytest.raises(RateLimited) as refused:
        company.type("ada")
    assert refused.value.retry_after_ms
