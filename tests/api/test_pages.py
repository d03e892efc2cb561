"""Pages of a room's history: a room of ten messages, seq 2 to 11."""

import pytest

from commands.clock import rfc3339
from tests.api.client import Client


@pytest.fixture
async def room(ada: Client, garden: str) -> str:
    await ada.open(garden)
    for number in range(2, 12):
        posted = await ada.post(garden, f"line {number}")
    await ada.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    return garden


@pytest.mark.parametrize(
    ("asked", "seqs", "oldest", "newest"),
    [
        ({}, range(2, 12), True, True),
        ({"limit": 3}, [9, 10, 11], False, True),
        ({"before": 5, "limit": 2}, [3, 4], False, False),
        ({"before": 1}, [], True, False),
        ({"before": 4}, [2, 3], True, False),
        ({"before": 99, "limit": 2}, [10, 11], False, True),
        ({"after": 0, "limit": 2}, [2, 3], True, False),
        ({"after": 9}, [10, 11], False, True),
        ({"after": 11}, [], False, True),
        ({"after": 10**12}, [], False, True),
        ({"limit": 200}, range(2, 12), True, True),
    ],
)
async def test_a_page_is_what_was_asked_for(
    nobody: Client, room: str, asked: dict[str, int], seqs: list[int], oldest: bool, newest: bool
) -> None:
    page = await nobody.get(f"/rooms/{room}/messages", **asked)
    assert [item["seq"] for item in page["items"]] == list(seqs)
    assert (page["found_oldest"], page["found_newest"], page["head_seq"]) == (oldest, newest, 11)


async def test_a_page_around_a_seq_holds_it(nobody: Client, room: str) -> None:
    page = await nobody.get(f"/rooms/{room}/messages", around=6, limit=3)
    assert [item["seq"] for item in page["items"]] == [5, 6, 7]


async def test_a_page_at_a_time_holds_what_was_said_then(nobody: Client, room: str) -> None:
    everything = await nobody.get(f"/rooms/{room}/messages")
    then = everything["items"][-1]["created_at"]
    page = await nobody.get(f"/rooms/{room}/messages", at=then, limit=2)
    assert page["items"][-1]["seq"] == 11
    long_ago = await nobody.get(f"/rooms/{room}/messages", at=rfc3339(0), limit=2)
    assert [item["seq"] for item in long_ago["items"]] == [2, 3]


@pytest.mark.parametrize("name", ["before", "after", "around", "limit", "min_position"])
@pytest.mark.parametrize(
    "value", ["-1", "", "x", "1.5", "1e3", "٣", " 5", "5 ", "+5", "1_0", "0x5", "null", "9" * 17, "9" * 5000, "\0"]
)
async def test_what_is_no_whole_number_in_range_is_refused(nobody: Client, garden: str, name: str, value: str) -> None:
    assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={name: value}) == {name}


@pytest.mark.parametrize(("name", "value"), [("before", 0), ("around", 0), ("limit", 0), ("limit", 201)])
async def test_a_number_has_its_bounds(nobody: Client, garden: str, name: str, value: int) -> None:
    assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={name: value}) == {name}


@pytest.mark.parametrize("value", ["", "yesterday", "2026-11-22T09:43:43", "5", "2026-13-01T00:00:00Z", "\0"])
async def test_a_time_needs_a_zone(nobody: Client, garden: str, value: str) -> None:
    assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={"at": value}) == {"at"}


@pytest.mark.parametrize("name", ["before", "after", "around"])
async def test_a_page_is_in_one_place(nobody: Client, garden: str, name: str) -> None:
    params = {"at": "2026-11-22T09:43:43Z", name: 5}
    await nobody.refused("GET", f"/rooms/{garden}/messages", "bad_request", params=params)


async def test_unknown_parameters_are_ignored(nobody: Client, room: str) -> None:
    assert (await nobody.get(f"/rooms/{room}/messages", colour="green", limit=1))["head_seq"] == 11


async def test_a_public_page_may_be_kept_but_is_asked_for_anew(nobody: Client, room: str) -> None:
    response = await nobody.ask("GET", f"/rooms/{room}/messages")
    assert response.headers["cache-control"] == "no-cache"


async def test_a_look_at_the_head_has_no_body(nobody: Client, room: str) -> None:
    whole = await nobody.ask("GET", f"/rooms/{room}/messages", params={"limit": 1})
    head = await nobody.ask("HEAD", f"/rooms/{room}/messages", params={"limit": 1})
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.content))
