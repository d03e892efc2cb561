"""The whole log for auditors: who did what, when, from where and why; and what was refused."""

import asyncio
from typing import Any

import pytest

from api import audit
from tests.api.client import Client


async def everything(auditor: Client, **wanted: Any) -> list[dict[str, Any]]:
    items, after = [], wanted.pop("after", 0)
    while True:
        part = await auditor.get("/events", after=after, **wanted)
        items += part["items"]
        after = part["read_to"]
        if after == part["last_position"]:
            return items


async def test_all_streams_in_one_order(auditor: Client, ada: Client, grace: Client, garden: str) -> None:
    before = (await ada.open(garden))["position"] - 1
    await grace.post(garden, "hi")
    await auditor.ask("PUT", f"/rooms/{garden}/hold", json={"reason": "Case 12-345"})
    items = await everything(auditor, after=before)
    assert [(item["stream"], item["event"]) for item in items] == [
        (garden, "room.opened"), (garden, "message.posted"), ("people", "room.held"),
    ]  # fmt: skip
    assert items[2]["data"] == {"room": garden, "reason": "Case 12-345"}
    assert all(item["request_id"] and item["address"] for item in items)
    assert [item["position"] for item in items] == sorted(item["position"] for item in items)


async def test_of_one_person_in_parts_and_by_type(
    auditor: Client, ada: Client, grace: Client, garden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.open(garden)
    for n in range(4):
        await grace.post(garden, f"{n}")
        await ada.post(garden, f"{n}")
    await ada.ask("PUT", f"/rooms/{garden}/bans/{grace.person}", json={"reason": "spam"})
    names = [item["event"] for item in await everything(auditor, person=grace.person)]
    assert names == ["message.posted"] * 4 + ["member.banned"]
    monkeypatch.setattr(audit, "PAGE", 2)
    monkeypatch.setattr(audit, "MAX_READ", 3)
    assert [item["event"] for item in await everything(auditor, person=grace.person)] == names
    [ban] = await everything(auditor, person=grace.person, types="member.banned,member.unbanned")
    assert (ban["actor"], ban["data"]["reason"]) == (ada.person, "spam")
    part = await auditor.get("/events", person=grace.person, limit=2)
    assert len(part["items"]) == 2 and part["read_to"] < part["last_position"]


async def test_between_two_times(auditor: Client, ada: Client, garden: str) -> None:
    await ada.open(garden)
    for n in range(3):
        await asyncio.sleep(0.005)
        await ada.post(garden, f"{n}")
    own = await everything(auditor, person=ada.person)
    times = [item["occurred_at"] for item in own]
    between = {"since": times[1], "until": times[2]}
    found = [item["position"] for item in await everything(auditor, person=ada.person, **between)]
    assert found == [own[1]["position"], own[2]["position"]]
    room = await ada.get(f"/rooms/{garden}/events", **between)
    assert ([item["seq"] for item in room["items"]], room["read_to"]) == ([2, 3], 4)
    assert (await ada.get(f"/rooms/{garden}/events", since="2999-01-01T00:00:00Z"))["items"] == []
    assert await everything(auditor, until="2000-01-01T00:00:00Z") == []


async def test_of_one_person_in_a_room(ada: Client, grace: Client, garden: str) -> None:
    await ada.open(garden)
    await grace.post(garden, "hi")
    await ada.ask("PUT", f"/rooms/{garden}/bans/{grace.person}")
    path = f"/rooms/{garden}/events"
    assert [item["seq"] for item in (await ada.get(path, person=grace.person))["items"]] == [2, 3]
    assert [item["seq"] for item in (await ada.get(path, person=ada.person))["items"]] == [1, 3]


async def test_nobody_else_reads_it(nobody: Client, ada: Client) -> None:
    await nobody.refused("GET", "/events", "unauthenticated")
    await ada.refused("GET", "/events", "forbidden")


async def test_what_was_refused_is_there(auditor: Client, ada: Client, grace: Client, garden: str) -> None:
    await ada.open(garden)
    await ada.ask("PUT", f"/rooms/{garden}/bans/{grace.person}")
    for _ in range(3):
        await grace.refused("POST", f"/rooms/{garden}/messages", "banned", json={"message": "hi"})
    await grace.refused("DELETE", f"/people/{ada.person}", "forbidden")
    async with asyncio.timeout(10):
        while len(found := await everything(auditor, person=grace.person, types="command.refused")) < 2:
            await asyncio.sleep(0.05)
    assert {(item["stream"], item["data"]["room"], item["data"]["code"]) for item in found} == {
        ("refused", garden, "banned"), ("refused", "", "forbidden"),
    }  # fmt: skip
    assert sum(item["data"]["count"] for item in found) == 4
    assert (await ada.get(f"/rooms/{garden}/events"))["head_seq"] == 2


@pytest.mark.parametrize(
    ("name", "value"), [("person", "ada"), ("since", "yesterday"), ("until", "2026"), ("limit", "1001"), ("types", "x")]
)
async def test_a_wrong_parameter_is_named(auditor: Client, name: str, value: str) -> None:
    assert await auditor.wrong_fields("GET", "/events", params={name: value}) == {name}
