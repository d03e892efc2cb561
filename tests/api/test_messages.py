"""Saying something, and reading what was said."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

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
