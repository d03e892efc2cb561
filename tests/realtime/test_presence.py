"""Who is in a room: each person once, told to everybody there, seldom and in bounded frames."""

import pytest

from realtime.gathering import PER_S
from realtime.notice import BEAT_S
from realtime.presence import GRACE_S, MAX_PRESENT
from tests.cast import GARDEN, GENERAL
from tests.realtime.company import Alone, Listening


@pytest.fixture
def company() -> Alone:
    return Alone()


def test_whoever_comes_sees_who_is_there_and_is_seen(company: Alone) -> None:
    ada = company.come("ada")
    company.pass_time(2)
    grace = company.come("grace")
    company.pass_time(2)
    assert ada.told("presence") == [
        {"type": "presence", "room": GENERAL, "present": [{"person": "guest:ada", "handle": "ada"}], "count": 1},
        {
            "type": "presence",
            "room": GENERAL,
            "present": [{"person": "guest:ada", "handle": "ada"}, {"person": "guest:grace", "handle": "grace"}],
            "count": 2,
        },
    ]
    assert grace.frames == ada.frames[1:]


def test_a_person_with_three_sockets_is_there_once_and_leaves_with_the_last(company: Alone) -> None:
    ada = company.come("ada")
    sockets = [company.come("grace") for _ in range(3)]
    company.pass_time(2)
    assert ada.present() == ["ada", "grace"]
    for socket in sockets[:2]:
        company.go("grace", socket)
    company.pass_time(GRACE_S * 2)
    assert len(ada.frames) == 1
    company.go("grace", sockets[2])
    company.pass_time(GRACE_S * 2)
    assert ada.present() == ["ada"]


def test_whoever_comes_back_in_time_was_never_away(company: Alone) -> None:
    ada, grace = company.come("ada"), company.come("grace")
    company.pass_time(2)
    for _ in range(5):
        company.go("grace", grace)
        company.pass_time(GRACE_S - 1)
        grace = company.come("grace")
        company.pass_time(GRACE_S * 2)
    assert len(ada.frames) == 1
    assert grace.present() == ["ada", "grace"]


def test_whoever_leaves_on_purpose_is_gone_at_once(company: Alone) -> None:
    ada, grace = company.come("ada"), company.come("grace")
    company.pass_time(2)
    company.go("grace", grace, may_return=False)
    company.pass_time(BEAT_S)
    assert ada.present() == ["ada"]
    assert grace.present() == ["ada", "grace"]


def test_whoever_is_sent_away_is_gone_with_all_their_sockets(company: Alone) -> None:
    ada, sockets = company.come("ada"), [company.come("grace") for _ in range(2)]
    company.pass_time(2)
    company.expel(GENERAL, "guest:grace")
    for socket in sockets:
        company.go("grace", socket)
    company.pass_time(GRACE_S * 2)
    assert [len(frame["present"]) for frame in ada.frames] == [2, 1]


def test_changes_are_gathered_to_one_frame_a_second(company: Alone) -> None:
    ada = company.come("ada")
    company.pass_time(2)
    for n in range(40):
        company.come(f"guest {n}")
        company.pass_time(BEAT_S)
    assert len(ada.frames) == 1 + 40 * BEAT_S
    company.pass_time(2)
    assert ada.told("presence")[-1]["count"] == 41


def test_nothing_is_said_when_nothing_changed(company: Alone) -> None:
    ada = company.come("ada")
    company.pass_time(2)
    grace = company.come("grace")
    company.go("grace", grace, may_return=False)
    company.pass_time(600)
    assert len(ada.frames) == 1
    assert not company.presence._unsettled


def test_a_second_socket_of_somebody_is_told_and_nobody_else(company: Alone) -> None:
    ada = company.come("ada")
    company.pass_time(2)
    second = company.come("ada")
    company.pass_time(2)
    assert second.present() == ["ada"]
    assert len(ada.frames) == 1


def test_a_new_handle_is_news(company: Alone) -> None:
    ada = company.come("ada")
    company.pass_time(2)
    company.presence.enter(GENERAL, type(next(iter(company.presence.gatherings[GENERAL].present(1))))(
        person="guest:ada", handle="countess"), None)  # fmt: skip
    company.pass_time(2)
    assert ada.present() == ["countess"]


def test_rooms_do_not_mix(company: Alone) -> None:
    ada, grace = company.come("ada", GENERAL), company.come("grace", GARDEN)
    company.pass_time(2)
    assert (ada.present(), grace.present()) == (["ada"], ["grace"])


def test_a_room_of_ten_thousand_is_shown_a_hundred_and_their_count(company: Alone) -> None:
    ears = [company.come(f"guest {n}") for n in range(10_000)]
    company.pass_time(20)
    frame = ears[0].told("presence")[-1]
    assert frame["count"] == 10_000
    assert [who["handle"] for who in frame["present"]] == [f"guest {n}" for n in range(MAX_PRESENT)]
    assert len(ears[0].taken[-1]) < 8192
    assert {ear.taken[-1] for ear in ears} == {ears[0].taken[-1]}


def test_what_ten_thousand_cost_does_not_grow_with_them(company: Alone) -> None:
    ears = [company.come(f"guest {n}") for n in range(10_000)]
    company.pass_time(20)
    company.presence.frames = 0
    newcomers: list[Listening] = []
    for n in range(3000):
        newcomers.append(company.come(f"newcomer {n}"))
        company.now += 0.01
        if n % 25 == 24:
            company.beat()
    assert company.presence.frames <= 30 * (PER_S + 100)
    assert max(len(ear.taken) for ear in ears) <= 1 + 30 / 10 + 1
    company.pass_time(1)
    assert all(newcomer.taken for newcomer in newcomers)


def test_a_slice_of_a_large_room_is_told_at_a_time(company: Alone) -> None:
    ears = [company.come(f"guest {n}") for n in range(2000)]
    company.beat()
    assert sum(len(ear.taken) for ear in ears) == PER_S * BEAT_S


def test_whoever_does_not_keep_up_is_told_the_latest_when_they_do(company: Alone) -> None:
    ada, slow = company.come("ada"), company.come("grace")
    slow.keeps_up = False
    for n in range(5):
        company.come(f"guest {n}")
        company.pass_time(2)
    assert len(ada.frames) == 5
    slow.keeps_up = True
    company.pass_time(1)
    assert slow.frames == ada.frames[-1:]


def test_nothing_is_kept_of_a_room_that_everybody_left(company: Alone) -> None:
    for n in range(100):
        company.go(f"guest {n}", company.come(f"guest {n}"))
    company.type("ada")
    company.pass_time(GRACE_S + 2)
    presence, typists = company.presence, company.typists
    kept = (presence.gatherings, presence._unsettled, presence._held, presence._leaving, typists._rooms)
    assert not any(kept)
