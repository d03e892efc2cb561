"""The room as it was, over REST: pages as of a moment, every version of a message, threads, the tape."""

import asyncio
from typing import Any

import pytest

from tests.api.client import Client

NOBODYS = "0" * 32


@pytest.fixture
async def story(ada: Client, grace: Client, garden: str) -> dict[str, Any]:
    """Seq 1 opens, 2 is said, 3 edits it, 4 names the room, 5 reacts, 6 is a reply, 7 redacts what was said first."""
    path = f"/rooms/{garden}/messages"
    first = (await ada.ask("POST", path, json={"message": "helo"})).json()
    message = f"{path}/{first['message_id']}"
    await ada.ask("PATCH", message, json={"message": "hello"})
    await ada.ask("PATCH", f"/rooms/{garden}", json={"title": "The garden", "topic": "beans"})
    await grace.ask("PUT", f"{message}/reactions/👍")
    await grace.ask("POST", path, json={"message": "hi", "reply_to": first["message_id"]})
    last = (await ada.ask("DELETE", message)).json()
    assert last["seq"] == 7
    return {"room": garden, "path": path, "message": message, "id": first["message_id"], **last}


async def as_of(client: Client, story: dict[str, Any], moment: object) -> dict[str, Any]:
    page: dict[str, Any] = await client.get(story["path"], as_of=moment, min_position=story["position"])
    return page


async def test_a_page_is_as_it_was_but_for_what_was_redacted_since(nobody: Client, story: dict[str, Any]) -> None:
    page = await as_of(nobody, story, 3)
    [item] = page["items"]
    assert (item["message"], item["redacted"], item["seq_changed"], item["reactions"]) == (None, True, 3, {})
    assert (page["as_of"], page["title"], page["topic"], page["head_seq"]) == (3, story["room"], "", 7)
    page = await as_of(nobody, story, 6)
    assert [item["seq"] for item in page["items"]] == [2, 6]
    assert page["items"][0]["reactions"] == {"👍": 1}
    assert (page["title"], page["topic"]) == ("The garden", "beans")
    assert (await as_of(nobody, story, 0))["items"] == []


async def test_a_time_is_a_moment_too(nobody: Client, story: dict[str, Any]) -> None:
    events = (await nobody.get(f"/rooms/{story['room']}/events"))["items"]
    page = await as_of(nobody, story, events[5]["occurred_at"])
    assert [item["seq"] for item in page["items"]] == [2, 6]
    assert (await as_of(nobody, story, "2001-01-01T00:00:00Z"))["items"] == []


async def test_beyond_the_head_there_is_no_moment(nobody: Client, story: dict[str, Any]) -> None:
    await nobody.refused("GET", story["path"], "after_beyond_head", params={"as_of": 8})


@pytest.mark.parametrize("before", [1, 0, -1, -(2**63) - 1, -9999999999999999999])
async def test_before_the_first_event_the_room_is_empty(nobody: Client, story: dict[str, Any], before: int) -> None:
    page = await as_of(nobody, story, before)
    assert (page["items"], page["as_of"], page["head_seq"]) == ([], max(0, before), 7)


async def test_no_number_is_too_large_to_be_beyond_the_head(nobody: Client, story: dict[str, Any]) -> None:
    for seq in (2**63, 9999999999999999999):
        await nobody.refused("GET", story["path"], "after_beyond_head", params={"as_of": seq})


@pytest.mark.parametrize("value", ["", "now", "1.5", "2026-11-22T09:43:43", "2026-11-22"])
async def test_a_moment_is_a_seq_or_a_time(nobody: Client, garden: str, value: str) -> None:
    assert await nobody.wrong_fields("GET", f"/rooms/{garden}/messages", params={"as_of": value}) == {"as_of"}


async def test_every_version_of_a_message_is_there(ada: Client, nobody: Client, garden: str) -> None:
    path = f"/rooms/{garden}/messages"
    posted = (await ada.ask("POST", path, json={"message": "helo"})).json()
    await ada.ask("PATCH", f"{path}/{posted['message_id']}", json={"message": "hello"})
    first, second = (await nobody.get(f"{path}/{posted['message_id']}/revisions"))["items"]
    assert first == {"seq": 2, "message": "helo", "edited_at": None, "by": ada.person}
    assert second == {"seq": 3, "message": "hello", "edited_at": second["edited_at"], "by": ada.person}
    assert second["edited_at"].endswith("Z")


async def test_versions_are_read_in_parts(ada: Client, nobody: Client, garden: str) -> None:
    path = f"/rooms/{garden}/messages"
    message = f"{path}/{(await ada.ask('POST', path, json={'message': '2'})).json()['message_id']}"
    for seq in range(3, 7):
        await ada.ask("PATCH", message, json={"message": str(seq)})

    async def read(limit: int) -> list[list[tuple[int, str | None]]]:
        """Every page: the seqs of its versions, and what they said."""
        pages, after = [], 0
        while after is not None:
            page = await nobody.get(f"{message}/revisions", after=after, limit=limit)
            pages.append([(item["seq"], item["message"]) for item in page["items"]])
            assert all((item["edited_at"] is None) == (item["seq"] == 2) for item in page["items"])
            after = page["next"]
        return pages

    whole = [(seq, str(seq)) for seq in range(2, 7)]
    assert await read(2) == [whole[:2], whole[2:4], whole[4:]]
    assert await read(5) == await read(200) == [whole]
    await ada.ask("DELETE", message)
    hidden = [(seq, None) for seq, _ in whole]
    assert await read(2) == [hidden[:2], hidden[2:4], hidden[4:]]
    assert await read(5) == [hidden]
    beyond = await nobody.get(f"{message}/revisions", after=7)
    assert beyond == {"items": [], "redacted_by": ada.person, "next": None}
    for name, value in (("after", "-1"), ("limit", "0"), ("limit", "201"), ("limit", "all")):
        assert await nobody.wrong_fields("GET", f"{message}/revisions", params={name: value}) == {name}


async def test_versions_of_what_was_redacted_say_nothing(ada: Client, nobody: Client, story: dict[str, Any]) -> None:
    for client in (nobody, ada):
        items = (await client.get(f"{story['message']}/revisions"))["items"]
        assert [(item["seq"], item["message"]) for item in items] == [(2, None), (3, None)]


async def test_a_thread_is_read_alone(nobody: Client, ada: Client, story: dict[str, Any]) -> None:
    last = (await ada.ask("POST", story["path"], json={"message": "something else"})).json()
    page = await nobody.get(story["path"], thread=story["id"], min_position=last["position"])
    assert [item["seq"] for item in page["items"]] == [2, 6]
    await nobody.refused("GET", story["path"], "not_found", params={"thread": NOBODYS})
    assert await nobody.wrong_fields("GET", story["path"], params={"thread": "5"}) == {"thread"}


async def test_the_tape_is_spread_over_the_room(nobody: Client, story: dict[str, Any]) -> None:
    await nobody.get(story["path"], min_position=story["position"])
    tape = await nobody.get(f"/rooms/{story['room']}/tape", points=3)
    assert (tape["head_seq"], [point["seq"] for point in tape["points"]]) == (7, [2, 6])
    for points in (0, 1001, "many"):
        assert await nobody.wrong_fields("GET", f"/rooms/{story['room']}/tape", params={"points": points}) == {"points"}


async def test_the_past_of_a_private_room_is_for_its_owner(
    ada: Client, grace: Client, nobody: Client, garden: str
) -> None:
    await ada.ask("POST", "/rooms", json={"label": garden, "visibility": "private"})
    path = f"/rooms/{garden}/messages"
    posted = (await ada.ask("POST", path, json={"message": "mine"})).json()
    message = f"{path}/{posted['message_id']}"
    doors: list[tuple[str, dict[str, Any]]] = [
        (path, {"as_of": 2}),
        (path, {"thread": posted["message_id"]}),
        (f"{message}/revisions", {}),
        (f"/rooms/{garden}/tape", {}),
    ]
    await ada.get(path, min_position=posted["position"])
    for door, params in doors:
        assert (await ada.ask("GET", door, params=params)).status_code == 200
        for client in (grace, nobody):
            await client.refused("GET", door, "not_found", params=params)


async def test_what_is_not_there_has_no_past(nobody: Client, ada: Client, garden: str) -> None:
    await ada.open(garden)
    await nobody.refused("GET", f"/rooms/{garden}/messages/{NOBODYS}/revisions", "not_found")
    await nobody.refused("GET", f"/rooms/{garden}/messages/nonsense/revisions", "not_found")
    await asyncio.gather(
        nobody.refused("GET", "/rooms/nowhere/tape", "not_found"),
        nobody.refused("GET", "/rooms/nowhere/messages", "not_found", params={"as_of": 1}),
    )
