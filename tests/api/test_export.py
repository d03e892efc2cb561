"""A room as a file, over REST: who gets what, and what is refused."""

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from django.conf import settings
from pytest_django import Settings

from archive.checking import Check
from archive.exporting import Exports
from commands.identity import Guests
from tests.api.client import ROOT, Client
from tests.api.test_auditing import redacted
from tests.api.tokens import bearing

__all__ = ["redacted"]

TYPES = {"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8"}


async def download(client: Client, room: str, **params: Any) -> httpx.Response:
    response = await client.ask("GET", f"/rooms/{room}/export", params=params)
    assert response.status_code == 200, response.text
    return response


def events(file: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.text.splitlines()[1:-1]]


@pytest.mark.parametrize("form", TYPES)
async def test_anybody_downloads_a_public_room(nobody: Client, ada: Client, garden: str, form: str) -> None:
    posted = await ada.post(garden, "hello 🫖")
    await ada.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    file = await download(nobody, garden, format=form)
    assert "hello 🫖" in file.text
    assert file.headers["content-type"] == TYPES[form]
    assert file.headers["content-disposition"] == f'attachment; filename="{garden}.{form}"'
    assert (file.headers["cache-control"], file.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert "content-length" not in file.headers


async def test_a_room_is_exported_as_it_was(nobody: Client, ada: Client, garden: str) -> None:
    for text in ("one", "two", "three"):
        await ada.post(garden, text)
    file = await download(nobody, garden, as_of=3)
    assert [event["seq"] for event in events(file)] == [1, 2, 3]
    assert file.headers["content-disposition"] == f'attachment; filename="{garden}-as-of-3.ndjson"'
    assert events(await download(nobody, garden, as_of="2000-01-01T00:00:00Z")) == []


async def test_a_stranger_does_not_learn_of_a_private_room(
    ada: Client, grace: Client, nobody: Client, garden: str
) -> None:
    await ada.open(garden, visibility="private")
    for form in TYPES:
        for stranger in (grace, nobody):
            await stranger.refused("GET", f"/rooms/{garden}/export", "not_found", params={"format": form})
    assert len(events(await download(ada, garden))) == 1


class TestWithoutGuests:
    """Where guests are not let in."""

    @pytest.fixture(autouse=True)
    def setting(self, settings: Settings) -> None:
        settings.GUESTS = "off"

    async def test_only_auditors_export(self, nobody: Client, auditor: Client, garden: str) -> None:
        _, token = Guests(settings.SECRET_KEY).welcome()
        for form in TYPES:
            for stranger in (nobody, await bearing(nobody, token)):
                await stranger.refused("GET", f"/rooms/{garden}/export", "unauthenticated", params={"format": form})
        await auditor.refused("GET", f"/rooms/{garden}/export", "not_found")


async def test_readers_do_not_get_what_was_redacted(ada: Client, redacted: dict[str, Any]) -> None:
    for form in TYPES:
        text = (await download(ada, redacted["room"], format=form)).text
        assert "helo" not in text
        assert "hello" not in text
        assert '"address"' not in text


async def test_an_auditor_gets_it_with_proof(auditor: Client, redacted: dict[str, Any]) -> None:
    file = await download(auditor, redacted["room"])
    assert [event["data"].get("message") for event in events(file)] == [None, "helo", "hello", None]
    assert all(event["request_id"] and event["address"] and event["state"] for event in events(file))
    check = Check({settings.SIGNING_KEY.public_key})
    assert len(list(check.entries(file.content.splitlines(keepends=True)))) == 4
    assert (check.findings, check.proved) == ([], 4)
    for form in ("csv", "html"):
        assert "hello" in (await download(auditor, redacted["room"], format=form)).text


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"as_of": "yesterday"}, {"as_of": "1.5"}, {"format": ""}])
async def test_what_makes_no_sense_is_refused(ada: Client, garden: str, params: dict[str, str]) -> None:
    await ada.open(garden)
    assert await ada.wrong_fields("GET", f"/rooms/{garden}/export", params=params) == set(params)


async def test_a_moment_that_has_not_come_is_refused(ada: Client, garden: str) -> None:
    await ada.open(garden)
    await ada.refused("GET", f"/rooms/{garden}/export", "after_beyond_head", params={"as_of": 2})


async def test_a_room_that_is_not_there_is_refused(ada: Client) -> None:
    await ada.refused("GET", "/rooms/nowhere/export", "not_found")
    await ada.refused("GET", "/rooms/no%20label/export", "not_found")


async def test_a_head_is_answered_without_a_body(ada: Client, garden: str) -> None:
    await ada.open(garden)
    for _ in range(3):
        response = await ada.ask("HEAD", f"/rooms/{garden}/export")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-type"] == TYPES["ndjson"]


async def test_one_too_many_at_a_time_is_refused_and_auditors_have_turns_of_their_own(
    nobody: Client, ada: Client, auditor: Client, garden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.open(garden)
    monkeypatch.setattr(Exports, "write", waiting)
    going = [asyncio.create_task(nobody.http.get(f"{ROOT}/rooms/{garden}/export")) for _ in range(2)]
    await asyncio.wait_for(asyncio.gather(*(asyncio.to_thread(BEGUN.acquire) for _ in going)), 10)
    refused = await nobody.ask("GET", f"/rooms/{garden}/export")
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (503, "overloaded", "5")
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
    monkeypatch.undo()
    assert len(events(await download(nobody, garden))) == len(events(await download(auditor, garden))) == 1


async def waiting(*_: Any) -> AsyncGenerator[bytes]:
    """An export that has begun, and comes to no end."""
    BEGUN.release()
    await asyncio.Event().wait()
    yield b""


BEGUN = threading.Semaphore(0)
