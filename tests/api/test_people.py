"""Erasing and holding over REST: auditors alone may, and no door shows what somebody said who was erased."""

from typing import Any

import pytest

from config import tokens
from tests.api.client import Client
from tests.api.tokens import bearing, make

WORDS = ("zephyr", "sphinx", "quartz")


@pytest.fixture
async def talk(ada: Client, grace: Client, garden: str) -> dict[str, Any]:
    """grace said something in ada's garden, and edited it; the read model knows."""
    await ada.open(garden)
    posted = await grace.post(garden, "zephyr", handle="sphinx")
    path = f"/rooms/{garden}/messages/{posted['message_id']}"
    done = (await grace.ask("PATCH", path, json={"message": "quartz"})).json()
    await ada.get(f"/rooms/{garden}/messages", min_position=done["position"])
    return {"room": garden, "message": path, "person": grace.person}


def doors(talk: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    room = f"/rooms/{talk['room']}"
    return [
        *((f"{room}/messages", query) for query in ({}, {"as_of": "2"}, {"around": "2"})),
        (f"{room}/events", {}),
        (room, {}),
        (talk["message"], {}),
        (f"{talk['message']}/revisions", {}),
        *((f"{room}/export", {"format": form}) for form in ("ndjson", "csv", "html")),
    ]


async def test_no_door_shows_what_somebody_said_who_was_erased(
    ada: Client, auditor: Client, talk: dict[str, Any]
) -> None:
    shown = [(await ada.ask("GET", path, params=query)).text for path, query in doors(talk)]
    assert all(any(word in text for text in shown) for word in WORDS)
    erased = await auditor.ask("DELETE", f"/people/{talk['person']}", params={"reason": "asked for it"})
    assert erased.status_code == 200
    assert set(erased.json()) == {"person", "seq", "position"}
    for client in (ada, auditor):
        for path, query in doors(talk):
            answer = await client.ask("GET", path, params=query)
            assert answer.status_code == 200
            assert not [word for word in WORDS if word in answer.text], (path, query)
    [_, posted, edited] = (await ada.get(f"/rooms/{talk['room']}/events"))["items"]
    assert [(event["stub"], event["data"]) for event in (posted, edited)] == [("erased", {})] * 2
    [item] = (await ada.get(f"/rooms/{talk['room']}/messages"))["items"]
    assert (item["message"], item["redacted"], item["author"]) == (
        None, True, {"id": talk["person"], "kind": "guest", "handle": ""},
    )  # fmt: skip


async def test_who_was_erased_is_gone(auditor: Client, grace: Client, talk: dict[str, Any]) -> None:
    await auditor.ask("DELETE", f"/people/{talk['person']}")
    await grace.refused("POST", f"/rooms/{talk['room']}/messages", "gone", json={"message": "again"})
    again = (await auditor.ask("DELETE", f"/people/{talk['person']}")).json()
    assert again["changed"] is False
    assert (await auditor.get(f"/people/{talk['person']}")) == {"person": talk["person"], "erased": True, "held": False}


async def test_nobody_but_an_auditor_erases_holds_or_knows(
    nobody: Client, ada: Client, grace: Client, talk: dict[str, Any]
) -> None:
    other = await bearing(nobody, await make(scope="something else"))
    for method, path in (
        ("GET", f"/people/{talk['person']}"),
        ("DELETE", f"/people/{talk['person']}"),
        *((method, f"/people/{talk['person']}/hold") for method in ("PUT", "DELETE")),
        *((method, f"/rooms/{talk['room']}/hold") for method in ("PUT", "DELETE")),
    ):
        await nobody.refused(method, path, "unauthenticated")
        for client in (ada, grace, other):
            await client.refused(method, path, "forbidden")
    assert "quartz" in (await ada.ask("GET", talk["message"])).text


@pytest.mark.parametrize("what", ["person", "room"])
async def test_a_hold_refuses_and_says_so(auditor: Client, ada: Client, talk: dict[str, Any], what: str) -> None:
    hold = f"/people/{talk['person']}/hold" if what == "person" else f"/rooms/{talk['room']}/hold"
    held = (await auditor.ask("PUT", hold, json={"reason": "Case 12-345"})).json()
    assert (await auditor.ask("PUT", hold)).json() == held | {"changed": False}
    problem = await auditor.refused("DELETE", f"/people/{talk['person']}", "legal_hold")
    assert (problem["status"], problem["retryable"]) == (409, False)
    assert "quartz" in (await ada.ask("GET", talk["message"])).text
    assert (await auditor.get(f"/people/{talk['person']}"))["held"] == (what == "person")
    assert (await auditor.ask("DELETE", hold, params={"reason": "closed"})).status_code == 200
    assert (await auditor.ask("DELETE", f"/people/{talk['person']}")).status_code == 200
    if what == "person":
        await auditor.refused("PUT", hold, "gone")


async def test_of_whom_and_what_nobody_knows_there_is_nothing(auditor: Client) -> None:
    await auditor.refused("DELETE", "/people/guest:nobody", "not_found")
    await auditor.refused("PUT", "/people/guest:nobody/hold", "not_found")
    await auditor.refused("PUT", "/rooms/nowhere/hold", "not_found")
    await auditor.refused("DELETE", "/people/nobody", "invalid_field")
    assert not (await auditor.get("/people/guest:nobody"))["erased"]


async def test_the_stream_of_people_is_no_room(ada: Client, auditor: Client, talk: dict[str, Any]) -> None:
    await auditor.ask("PUT", f"/people/{talk['person']}/hold")
    for client in (ada, auditor):
        await client.refused("GET", "/rooms/people/events", "not_found")
        await client.refused("GET", "/rooms/people", "not_found")
    await ada.refused("POST", "/rooms/people/messages", "label_reserved", json={"message": "hi"})
    assert "people" not in {room["label"] for room in (await ada.get("/rooms", limit=200))["items"]}


@pytest.mark.parametrize(
    ("name", "person"),
    [("november", "bot:november-0123abcd"), ("the auditor, №5", "bot:the-auditor-5-0123abcd"), ("…", "bot:0123abcd")],
)
def test_a_token_is_somebody(name: str, person: str) -> None:
    assert tokens.bot(name, "0123abcd" + "9" * 56).person == person
