"""The raw stream of a room."""

import pytest

from api import events
from tests.api.client import Client


async def test_the_stream_has_every_event_in_order(ada: Client, grace: Client, nobody: Client, garden: str) -> None:
    opened = await ada.open(garden, title="The garden")
    posted = await grace.post(garden, "hi", client_msg_id="c-1")
    changed = (await ada.ask("PATCH", f"/rooms/{garden}", json={"topic": "Beans"})).json()
    ban = {"until": "2100-01-01T00:00:00.000Z", "reason": "Advertising"}
    banned = (await ada.ask("PUT", f"/rooms/{garden}/bans/{grace.person}", json=ban)).json()
    names = {"reply_to": None, "client_msg_id": "c-1"}
    stream = await nobody.get(f"/rooms/{garden}/events")
    assert [item["seq"] for item in stream["items"]] == [1, 2, 3, 4]
    assert (stream["head_seq"], stream["read_to"]) == (4, 4)
    positions = [done["position"] for done in (opened, posted, changed, banned)]
    assert [item["position"] for item in stream["items"]] == positions
    assert [(item["event"], item["subject"], item["actor"], item["data"]) for item in stream["items"]] == [
        ("room.opened", "rules", ada.person, {"title": "The garden", "visibility": "public"}),
        (
            "message.posted",
            f"message:{posted['message_id']}",
            grace.person,
            {"message_id": posted["message_id"], "message": "hi", "handle": "grace"} | names,
        ),
        ("room.changed", "rules", ada.person, {"topic": "Beans"}),
        ("member.banned", f"member:{grace.person}", ada.person, {"person": grace.person, **ban}),
    ]


async def test_it_is_read_in_parts(ada: Client, garden: str) -> None:
    await ada.open(garden)
    for number in range(4):
        await ada.post(garden, str(number))
    path, seqs, after = f"/rooms/{garden}/events", [], 0
    while True:
        part = await ada.get(path, after=after, limit=2)
        seqs += [item["seq"] for item in part["items"]]
        after = part["read_to"]
        if after == part["head_seq"]:
            break
    assert seqs == [1, 2, 3, 4, 5]
    beyond = await ada.get(path, after=10**12)
    assert beyond == {"items": [], "head_seq": 5, "read_to": 5}


async def test_only_some_events_can_be_asked_for(ada: Client, garden: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await ada.open(garden)
    for number in range(6):
        await ada.post(garden, str(number))
    await ada.ask("PATCH", f"/rooms/{garden}", json={"topic": "Beans"})
    path = f"/rooms/{garden}/events"
    wanted = "room.opened,room.changed"
    assert [item["seq"] for item in (await ada.get(path, types=wanted))["items"]] == [1, 8]
    assert [item["seq"] for item in (await ada.get(path, types="message.posted", limit=2))["items"]] == [2, 3]
    assert (await ada.get(path, types="message.edited"))["items"] == []
    monkeypatch.setattr(events, "MAX_READ", 3)
    parts = [await ada.get(path, types=wanted, after=after) for after in (0, 3, 6)]
    assert [part["read_to"] for part in parts] == [3, 6, 8]
    assert [[item["seq"] for item in part["items"]] for part in parts] == [[1], [], [8]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("after", "-1"),
        ("after", "x"),
        ("after", ""),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "ten"),
        ("types", ""),
        ("types", "posted"),
        ("types", "message.posted,"),
        ("types", "message.posted\0"),
    ],
)
async def test_a_wrong_parameter_is_named(nobody: Client, garden: str, name: str, value: str) -> None:
    assert await nobody.wrong_fields("GET", f"/rooms/{garden}/events", params={name: value}) == {name}


async def test_the_cause_of_an_event_is_for_auditors(ada: Client, garden: str) -> None:
    await ada.ask("POST", "/rooms", json={"label": garden}, headers={"X-Request-ID": "r-1", "User-Agent": "seen"})
    response = await ada.ask("GET", f"/rooms/{garden}/events")
    assert "r-1" not in response.text
    assert "seen" not in response.text
