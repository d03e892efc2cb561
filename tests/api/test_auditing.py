"""Auditors: a token with the scope `audit` reads every room and what was redacted, and changes nothing."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from pytest_django import Settings

from commands.clock import now_ms
from commands.identity import TOKEN_PREFIX
from config import tokens
from tests.api.client import Client
from tests.api.tokens import bearing, make

NOBODYS = "0" * 32


@pytest.fixture
async def redacted(ada: Client, garden: str) -> dict[str, Any]:
    """A message of a private room that was edited, then redacted."""
    await ada.open(garden, visibility="private")
    posted = await ada.post(garden, "helo")
    message = f"/rooms/{garden}/messages/{posted['message_id']}"
    await ada.ask("PATCH", message, json={"message": "hello"})
    done = (await ada.ask("DELETE", message, params={"reason": "a slip"})).json()
    await ada.get(f"/rooms/{garden}/messages", min_position=done["position"])
    return {"room": garden, "message": message, "path": f"/rooms/{garden}/messages"}


async def test_an_auditor_reads_what_was_redacted(auditor: Client, redacted: dict[str, Any]) -> None:
    [item] = (await auditor.get(redacted["path"], as_of=3))["items"]
    assert (item["message"], item["redacted"], item["edited_at"] is None) == ("hello", False, False)
    assert (await auditor.get(redacted["path"], as_of=2))["items"][0]["message"] == "helo"
    versions = (await auditor.get(f"{redacted['message']}/revisions"))["items"]
    assert [version["message"] for version in versions] == ["helo", "hello"]
    events = (await auditor.get(f"/rooms/{redacted['room']}/events"))["items"]
    assert [event["data"].get("message") for event in events] == [None, "helo", "hello", None]
    assert all(event["request_id"] and event["address"] and "stub" not in event for event in events)


async def test_nobody_else_does(ada: Client, redacted: dict[str, Any]) -> None:
    for moment in (2, 3):
        assert (await ada.get(redacted["path"], as_of=moment))["items"][0]["message"] is None
    versions = (await ada.get(f"{redacted['message']}/revisions"))["items"]
    assert [version["message"] for version in versions] == [None, None]
    events = (await ada.get(f"/rooms/{redacted['room']}/events"))["items"]
    assert [(event["data"], event["stub"]) for event in events[1:3]] == [({}, "redacted")] * 2
    assert not [event for event in events if {"request_id", "address", "client"} & event.keys()]


async def test_even_an_auditor_sees_the_room_of_now_as_it_is(auditor: Client, redacted: dict[str, Any]) -> None:
    [item] = (await auditor.get(redacted["path"]))["items"]
    assert (item["message"], item["redacted"]) == (None, True)


async def test_what_an_auditor_is_told_is_kept_by_nobody(auditor: Client, garden: str, ada: Client) -> None:
    posted = await ada.post(garden, "hello")
    await auditor.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    for path in ("messages", f"messages/{posted['message_id']}/revisions", "events", "tape", ""):
        response = await auditor.ask("GET", f"/rooms/{garden}/{path}".rstrip("/"))
        assert "no-store" in response.headers["cache-control"], path


async def test_an_auditor_changes_nothing(auditor: Client, garden: str, ada: Client) -> None:
    posted = await ada.post(garden, "hello")
    message = f"/rooms/{garden}/messages/{posted['message_id']}"
    await auditor.refused("POST", f"/rooms/{garden}/messages", "forbidden", json={"message": "hi"})
    await auditor.refused("POST", "/rooms", "forbidden", json={"label": "mine"})
    await auditor.refused("PATCH", message, "forbidden", json={"message": "hi"})
    await auditor.refused("DELETE", message, "forbidden")
    await auditor.refused("PUT", f"{message}/reactions/👍", "forbidden")


async def test_a_token_that_does_not_count_is_nobodys(nobody: Client, redacted: dict[str, Any]) -> None:
    unknown = TOKEN_PREFIX + "A" * 43
    for token in (unknown, await make(revoked_at=now_ms()), await make(expires_at=now_ms() - 1)):
        client = await bearing(nobody, token)
        for path in (redacted["path"], f"{redacted['message']}/revisions", f"/rooms/{redacted['room']}/events"):
            await client.refused("GET", path, "unauthenticated")
        await client.refused("POST", redacted["path"], "unauthenticated", json={"message": "hi"})


async def test_a_token_without_the_scope_is_no_auditors(nobody: Client, redacted: dict[str, Any]) -> None:
    client = await bearing(nobody, await make(scope="something else"))
    await client.refused("GET", redacted["path"], "not_found", params={"as_of": 2})
    await client.refused("GET", f"{redacted['message']}/revisions", "not_found")


async def test_a_token_that_is_revoked_stops_to_count(
    nobody: Client, redacted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await make(name="the auditor of March")
    client = await bearing(nobody, token)
    monkeypatch.setattr(tokens, "REMEMBERED_S", -1)
    await client.get(redacted["path"])
    await sync_to_async(call_command)("revoketoken", "the auditor of March")
    await client.refused("GET", redacted["path"], "unauthenticated")


async def test_a_token_is_looked_up_once_in_a_while(
    nobody: Client, garden: str, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.open(garden)
    looked_up: list[str] = []
    look_up = tokens.Tokens._look_up

    async def counting(self: tokens.Tokens, digest: str) -> tokens.Known:
        looked_up.append(digest)
        return await look_up(self, digest)

    monkeypatch.setattr(tokens.Tokens, "_look_up", counting)
    client = await bearing(nobody, await make())
    for _ in range(5):
        await client.get(f"/rooms/{garden}/messages")
    assert len(looked_up) == 1
    await ada.get(f"/rooms/{garden}/messages")
    await nobody.get(f"/rooms/{garden}/messages")
    assert len(looked_up) == 1


async def test_where_guests_are_kept_out_an_auditor_reads(
    ada: Client, auditor: Client, redacted: dict[str, Any], settings: Settings
) -> None:
    settings.GUESTS = "off"
    await ada.refused("GET", "/projections", "unauthenticated")
    assert (await auditor.get("/projections"))["items"]
