"""Saying something, and reading what was said."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from commands.clock import rfc3339
from tests.api.client import JSON, Client

ID = "0" * 32


async def test_a_message_is_acknowledged_and_read(ada: Client, nobody: Client, garden: str) -> None:
    response = await ada.ask("POST", f"/rooms/{garden}/messages", json={"message": "The beans are up. 🌱"})
    posted = response.json()
    assert response.status_code == 201
    assert posted == {**posted, "room": garden, "seq": 2, "duplicate": False}
    path = f"/rooms/{garden}/messages/{posted['message_id']}"
    assert response.headers["location"] == "/api/v1" + path
    message = await nobody.get(path, min_position=posted["position"])
    assert message["message"] == "The beans are up. 🌱"
    assert message["author"] == {"id": ada.person, "kind": "guest", "handle": "ada"}
    assert (message["seq"], message["position"], message["seq_changed"]) == (2, posted["position"], 2)
    page = await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    assert page["items"] == [message]
    assert (page["found_oldest"], page["found_newest"], page["head_seq"]) == (True, True, 2)


async def test_a_message_sent_again_is_said_once(ada: Client, garden: str) -> None:
    body = {"message": "hi", "client_msg_id": str(uuid4())}
    first = await ada.ask("POST", f"/rooms/{garden}/messages", json=body)
    again = await ada.ask("POST", f"/rooms/{garden}/messages", json={**body, "handle": "somebody else"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "duplicate": True}
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    await ada.refused("POST", f"/rooms/{garden}/messages", "idempotency_mismatch", json={**body, "message": "ho"})


async def test_two_hundred_tries_at_once_make_one_message(ada: Client, garden: str) -> None:
    body = {"message": "hi", "client_msg_id": str(uuid4())}
    await ada.open(garden)
    tries = [ada.ask("POST", f"/rooms/{garden}/messages", json=body) for _ in range(200)]
    answers = [(response.status_code, response.json()) for response in await asyncio.gather(*tries)]
    assert sorted(status for status, _ in answers) == [200] * 199 + [201]
    assert len({(posted["message_id"], posted["seq"], posted["position"]) for _, posted in answers}) == 1
    assert (await ada.get(f"/rooms/{garden}/events"))["head_seq"] == 2


async def test_the_header_and_the_field_are_one_name_space(ada: Client, garden: str) -> None:
    key = {"Idempotency-Key": "first"}
    path, body = f"/rooms/{garden}/messages", {"message": "hi"}
    first = (await ada.ask("POST", path, json=body, headers=key)).json()
    again = (await ada.ask("POST", path, json={**body, "client_msg_id": "first"})).json()
    both = (await ada.ask("POST", path, json={**body, "client_msg_id": "first"}, headers=key)).json()
    assert again == both == {**first, "duplicate": True}
    await ada.refused("POST", path, "idempotency_mismatch", json={**body, "client_msg_id": "2"}, headers=key)


@pytest.mark.parametrize("key", [b"", b"a" * 65, "ä".encode(), b"a\tb"])
async def test_a_key_that_cannot_be_one_is_refused(ada: Client, garden: str, key: bytes) -> None:
    fields = await ada.wrong_fields(
        "POST", f"/rooms/{garden}/messages", json={"message": "hi"}, headers=[("Idempotency-Key", key)]
    )
    assert len(fields) == 1
    assert fields <= {"Idempotency-Key", "client_msg_id"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("message", ""),
        ("message", "  \n"),
        ("message", "a" * 10_001),
        ("message", "a\0b"),
        ("message", None),
        ("message", 5),
        ("message", 10**40),
        ("message", 1.5),
        ("message", True),
        ("message", ["hi"]),
        ("message", {"text": "hi"}),
        ("handle", ""),
        ("handle", "a" * 41),
        ("handle", "a\u202e"),
        ("handle", 5),
        ("client_msg_id", ""),
        ("client_msg_id", "a" * 65),
        ("client_msg_id", "a\0"),
        ("client_msg_id", 5),
        ("reply_to", ""),
        ("reply_to", "nonsense"),
        ("reply_to", ID),
        ("reply_to", 5),
    ],
)
async def test_a_wrong_field_of_a_message_is_named(ada: Client, garden: str, field: str, value: Any) -> None:
    await ada.open(garden)
    body = {"message": "hi", field: value}
    assert await ada.wrong_fields("POST", f"/rooms/{garden}/messages", json=body) == {field}
    assert (await ada.get(f"/rooms/{garden}/events"))["head_seq"] == 1


async def test_a_message_must_be_there(ada: Client, garden: str) -> None:
    assert await ada.wrong_fields("POST", f"/rooms/{garden}/messages", json={}) == {"message"}


@pytest.mark.parametrize("field", ["message", "handle", "client_msg_id", "reply_to"])
async def test_unpaired_surrogates_are_not_text(ada: Client, garden: str, field: str) -> None:
    body = b'{"message": "hi", "%b": "\\udc00"}' % field.encode()
    assert await ada.wrong_fields("POST", f"/rooms/{garden}/messages", content=body, headers=JSON) == {field}


async def test_what_may_be_left_out_may_be_null(ada: Client, garden: str) -> None:
    await ada.post(garden, "hi", handle=None, client_msg_id=None, reply_to=None, unknown={"deep": [1]})


async def test_the_longest_message_is_kept_byte_for_byte(ada: Client, garden: str) -> None:
    message = "e\u0301\r\n🌱\u202e" * 1666 + "\x7f\t "
    posted = await ada.post(garden, message)
    read = await ada.get(f"/rooms/{garden}/messages/{posted['message_id']}", min_position=posted["position"])
    assert read["message"] == message


async def test_a_reply_says_what_it_answers(ada: Client, garden: str) -> None:
    first = await ada.post(garden, "Who waters today?")
    reply = await ada.post(garden, "I do.", reply_to=first["message_id"])
    read = await ada.get(f"/rooms/{garden}/messages/{reply['message_id']}", min_position=reply["position"])
    assert read["reply_to"] == first["message_id"]


@pytest.mark.parametrize("message_id", [ID, "nonsense", "0" * 31 + "G", "a%00b"])
async def test_a_message_that_is_not_there_is_not_found(ada: Client, garden: str, message_id: str) -> None:
    await ada.open(garden)
    await ada.refused("GET", f"/rooms/{garden}/messages/{message_id}", "not_found")


@pytest.mark.parametrize("limits", [True])
async def test_slow_mode_holds_back_all_but_the_owner(ada: Client, grace: Client, garden: str) -> None:
    await ada.open(garden)
    await ada.ask("PATCH", f"/rooms/{garden}", json={"slow_mode_s": 60})
    await grace.post(garden, "one")
    response = await grace.ask("POST", f"/rooms/{garden}/messages", json={"message": "two"})
    assert (response.status_code, response.json()["code"]) == (429, "slow_mode")
    assert 50 < int(response.headers["retry-after"]) <= 60
    await ada.post(garden, "one")
    await ada.post(garden, "two")


@pytest.mark.parametrize("limits", [True])
async def test_who_posts_too_fast_is_held_back(ada: Client, garden: str) -> None:
    path = f"/rooms/{garden}/messages"
    answers = [await ada.ask("POST", path, json={"message": str(number)}) for number in range(40)]
    slow = [response for response in answers if response.status_code == 429]
    assert slow
    assert {response.json()["code"] for response in slow} == {"rate_limited"}
    assert all(int(response.headers["retry-after"]) >= 1 for response in slow)


async def test_a_page_waits_for_a_position_but_not_for_ever(ada: Client, garden: str) -> None:
    await ada.post(garden, "hi")
    response = await ada.ask("GET", f"/rooms/{garden}/messages", params={"min_position": 2**53 - 1})
    assert (response.status_code, response.json()["code"]) == (503, "projection_behind")
    assert response.json()["retryable"]
    assert response.headers["retry-after"]


class TestPages:
    """A room of ten messages, seq 2 to 11."""

    @pytest.fixture
    async def room(self, ada: Client, garden: str) -> str:
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
        self, nobody: Client, room: str, asked: dict[str, int], seqs: list[int], oldest: bool, newest: bool
    ) -> None:
        page = await nobody.get(f"/rooms/{room}/messages", **asked)
        assert [item["seq"] for item in page["items"]] == list(seqs)
        assert (page["found_oldest"], page["found_newest"], page["head_seq"]) == (oldest, newest, 11)

    async def test_a_page_around_a_seq_holds_it(self, nobody: Client, room: str) -> None:
        page = await nobody.get(f"/rooms/{room}/messages", around=6, limit=3)
        assert [item["seq"] for item in page["items"]] == [5, 6, 7]

    async def test_a_page_at_a_time_holds_what_was_said_then(self, nobody: Client, room: str) -> None:
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
    async def test_what_is_no_whole_number_in_range_is_refused(
        self, nobody: Client, garden: str, name: str, value: str
    ) -> None:
        assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={name: value}) == {name}

    @pytest.mark.parametrize(("name", "value"), [("before", 0), ("around", 0), ("limit", 0), ("limit", 201)])
    async def test_a_number_has_its_bounds(self, nobody: Client, garden: str, name: str, value: int) -> None:
        assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={name: value}) == {name}

    @pytest.mark.parametrize("value", ["", "yesterday", "2026-11-22T09:43:43", "5", "2026-13-01T00:00:00Z", "\0"])
    async def test_a_time_needs_a_zone(self, nobody: Client, garden: str, value: str) -> None:
        assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={"at": value}) == {"at"}

    @pytest.mark.parametrize("name", ["before", "after", "around"])
    async def test_a_page_is_in_one_place(self, nobody: Client, garden: str, name: str) -> None:
        params = {"at": "2026-11-22T09:43:43Z", name: 5}
        await nobody.refused("GET", f"/rooms/{garden}/messages", "bad_request", params=params)

    @pytest.mark.parametrize("name", ["as_of", "thread"])
    async def test_what_is_not_there_yet_is_refused_rather_than_ignored(
        self, nobody: Client, garden: str, name: str
    ) -> None:
        problem = await nobody.refused("GET", f"/rooms/{garden}/messages", "bad_request", params={name: "5"})
        assert name in problem["detail"]

    async def test_unknown_parameters_are_ignored(self, nobody: Client, room: str) -> None:
        assert (await nobody.get(f"/rooms/{room}/messages", colour="green", limit=1))["head_seq"] == 11

    async def test_a_public_page_may_be_kept_but_is_asked_for_anew(self, nobody: Client, room: str) -> None:
        response = await nobody.ask("GET", f"/rooms/{room}/messages")
        assert response.headers["cache-control"] == "no-cache"

    async def test_a_look_at_the_head_has_no_body(self, nobody: Client, room: str) -> None:
        whole = await nobody.ask("GET", f"/rooms/{room}/messages", params={"limit": 1})
        head = await nobody.ask("HEAD", f"/rooms/{room}/messages", params={"limit": 1})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
