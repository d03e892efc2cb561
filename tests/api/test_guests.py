"""Becoming a guest."""

import httpx
import pytest
from pytest_django import Settings

from api import guests
from commands.limits import Buckets
from tests.api.client import JSON, Client
from tests.api.lifespan import App


async def test_a_guest_has_a_token_that_says_who_they_are(nobody: Client, garden: str) -> None:
    response = await nobody.ask("POST", "/guests", json={"handle": "ada"})
    assert response.status_code == 201
    headers = {"Authorization": f"Bearer {response.json()['token']}"}
    await nobody.ask("POST", f"/rooms/{garden}/messages", json={"message": "hi"}, headers=headers)
    event = (await nobody.get(f"/rooms/{garden}/events"))["items"][-1]
    assert event["actor"] == response.json()["person"]
    assert event["data"]["handle"] == "ada"


@pytest.mark.parametrize("what", [{}, {"json": {}}, {"json": {"handle": None}}, {"json": {"unknown": 1}}])
async def test_a_guest_need_not_say_what_they_are_called(nobody: Client, what: dict[str, object]) -> None:
    assert (await nobody.ask("POST", "/guests", **what)).status_code == 201


@pytest.mark.parametrize("handle", ["", " ", "a" * 41, "a\0b", "a\u202eb", "a\u200bb", 5, ["ada"], {}, True])
async def test_a_handle_that_nobody_may_have_is_refused(nobody: Client, handle: object) -> None:
    assert await nobody.wrong_fields("POST", "/guests", json={"handle": handle}) == {"handle"}


async def test_an_unpaired_surrogate_is_not_text(nobody: Client) -> None:
    body = b'{"handle": "a\\ud800"}'
    assert await nobody.wrong_fields("POST", "/guests", content=body, headers=JSON) == {"handle"}


@pytest.mark.parametrize("limits", [True])
async def test_guests_come_no_faster_than_their_address_may(
    application: App, nobody: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guests, "_newcomers", Buckets(guests.NEW_GUESTS._replace(per_s=0.01)))
    crowd = Client(httpx.ASGITransport(app=application, client=("198.51.100.7", 1)), nobody.document)
    for _ in range(guests.NEW_GUESTS.burst):
        assert (await crowd.ask("POST", "/guests")).status_code == 201
    response = await crowd.ask("POST", "/guests")
    assert (response.status_code, response.json()["code"]) == (429, "rate_limited")
    assert int(response.headers["retry-after"]) >= 1
    assert (await nobody.ask("POST", "/guests")).status_code == 201, "another address is not held back"
    settings.LIMITS_ON = False
    assert (await crowd.ask("POST", "/guests")).status_code == 201


async def test_a_server_without_guests_makes_none(nobody: Client, settings: Settings) -> None:
    settings.GUESTS = "off"
    await nobody.refused("POST", "/guests", "unauthenticated")
