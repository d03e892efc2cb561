"""Messages that change over REST: edited, redacted, reacted to."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api.client import Client

ID = "0" * 32
TEA = quote("🫖")


@pytest.fixture
async def line(ada: Client, grace: Client, garden: str) -> str:
    """The address of what grace said in ada's room."""
    await ada.open(garden)
    posted = await grace.post(garden, "The beens are up.", client_msg_id="c-1")
    return f"/rooms/{garden}/messages/{posted['message_id']}"


async def read(client: Client, line: str, done: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = await client.get(line, min_position=done["position"])
    return message


async def change(client: Client, method: str, path: str, **what: Any) -> dict[str, Any]:
    response = await client.ask(method, path, **what)
    assert response.status_code == 200, response.text
    done: dict[str, Any] = response.json()
    return done


async def test_an_edited_message_says_so(grace: Client, nobody: Client, garden: str, line: str) -> None:
    edited = await change(grace, "PATCH", line, json={"message": "The beans are up."})
    assert (edited["room"], edited["seq"], "changed" in edited) == (garden, 3, False)
    message = await read(nobody, line, edited)
    assert (message["message"], message["seq"], message["seq_changed"]) == ("The beans are up.", 2, 3)
    assert message["edited_at"] is not None
    assert not message["redacted"]
    again = await change(grace, "PATCH", line, json={"message": "The beans are up."})
    assert again == {**edited, "changed": False}
    page = await nobody.get(f"/rooms/{garden}/messages")
    assert page["items"] == [message]


async def test_a_redacted_message_keeps_its_place(ada: Client, grace: Client, garden: str, line: str) -> None:
    redacted = await change(ada, "DELETE", line, params={"reason": "Advertising"})
    message = await read(grace, line, redacted)
    assert (message["message"], message["redacted"], message["seq_changed"]) == (None, True, 3)
    assert await change(grace, "DELETE", line) == {**redacted, "changed": False}
    stream = await grace.get(f"/rooms/{garden}/events")
    assert stream["items"][-1]["data"] == {"message_id": line.rpartition("/")[2], "reason": "Advertising"}


async def test_a_retry_of_a_post_is_known_after_it_was_edited_and_redacted(
    grace: Client, garden: str, line: str
) -> None:
    for change_it in ({"method": "PATCH", "json": {"message": "x"}}, {"method": "DELETE"}):
        await change(grace, path=line, **change_it)
        again = await grace.ask(
            "POST", f"/rooms/{garden}/messages", json={"message": "The beens are up.", "client_msg_id": "c-1"}
        )
        assert (again.status_code, again.json()["seq"]) == (200, 2)


async def test_reactions_are_counted(ada: Client, grace: Client, nobody: Client, line: str) -> None:
    first = await change(ada, "PUT", f"{line}/reactions/{TEA}")
    await change(grace, "PUT", f"{line}/reactions/{TEA}")
    done = await change(grace, "PUT", f"{line}/reactions/{quote('❤️')}")
    assert (await read(nobody, line, done))["reactions"] == {"🫖": 2, "❤️": 1}
    again = await change(ada, "PUT", f"{line}/reactions/{TEA}")
    assert again == {**first, "changed": False}
    back = await change(grace, "DELETE", f"{line}/reactions/{quote('❤️')}")
    message = await read(nobody, line, back)
    assert (message["reactions"], message["seq_changed"]) == ({"🫖": 2}, back["seq"])
    assert await change(grace, "DELETE", f"{line}/reactions/{quote('❤️')}") == {**back, "changed": False}
    never = await change(ada, "DELETE", f"{line}/reactions/{quote('👍')}")
    assert never == {**first, "changed": False}


async def test_events_are_stubs_once_their_message_is_redacted(
    ada: Client, grace: Client, nobody: Client, garden: str, line: str
) -> None:
    await change(grace, "PATCH", line, json={"message": "A secret."})
    await change(ada, "PUT", f"{line}/reactions/{TEA}")
    await ada.post(garden, "Fine.")
    before = (await nobody.get(f"/rooms/{garden}/events"))["items"]
    assert [item["data"].get("message") for item in before] == [None, "The beens are up.", "A secret.", None, "Fine."]
    await change(grace, "DELETE", line)
    after = (await nobody.get(f"/rooms/{garden}/events"))["items"]
    for seq in (2, 3):
        assert after[seq - 1] == {**before[seq - 1], "data": {}, "stub": "redacted"}
    assert [after[0], *after[3:5]] == [before[0], *before[3:5]]
    part = await nobody.get(f"/rooms/{garden}/events", after=1, limit=1)
    assert part["items"] == [after[1]]
    some = await nobody.get(f"/rooms/{garden}/events", types="message.posted")
    assert [item.get("stub") for item in some["items"]] == ["redacted", None]


async def test_only_who_may_changes_a_message(ada: Client, grace: Client, nobody: Client, line: str) -> None:
    linus = await nobody.become("linus")
    edit = {"json": {"message": "mine"}}
    await ada.refused("PATCH", line, "forbidden", **edit)
    await linus.refused("PATCH", line, "forbidden", **edit)
    await linus.refused("DELETE", line, "forbidden")
    await nobody.refused("PATCH", line, "unauthenticated", **edit)
    for method, path in (("DELETE", line), ("PUT", f"{line}/reactions/👍"), ("DELETE", f"{line}/reactions/👍")):
        await nobody.refused(method, path, "unauthenticated")


async def test_a_redacted_message_takes_nothing_more(ada: Client, grace: Client, line: str) -> None:
    await change(ada, "PUT", f"{line}/reactions/{TEA}")
    await change(grace, "DELETE", line)
    await grace.refused("PATCH", line, "redacted", json={"message": "The beens are up."})
    await ada.refused("PUT", f"{line}/reactions/👍", "redacted")
    await ada.refused("DELETE", f"{line}/reactions/{TEA}", "redacted")


async def everything_is(client: Client, line: str, code: str) -> None:
    await client.refused("PATCH", line, code, json={"message": "hi"})
    await client.refused("DELETE", line, code)
    for method in ("PUT", "DELETE"):
        await client.refused(method, f"{line}/reactions/{TEA}", code)


@pytest.mark.parametrize("message_id", [ID, "nonsense", "0" * 31 + "G", "a%00b"])
async def test_what_is_not_there_is_not_found(ada: Client, garden: str, message_id: str) -> None:
    await ada.open(garden)
    for room in (garden, f"{garden}-not", "a%00b", "api"):
        await everything_is(ada, f"/rooms/{room}/messages/{message_id}", "not_found")


async def test_a_private_room_is_not_there_for_others(ada: Client, grace: Client, garden: str) -> None:
    await ada.open(garden, visibility="private")
    posted = await ada.post(garden, "hi")
    await everything_is(grace, f"/rooms/{garden}/messages/{posted['message_id']}", "not_found")


async def test_the_banned_change_nothing(ada: Client, grace: Client, garden: str, line: str) -> None:
    await change(ada, "PUT", f"/rooms/{garden}/bans/{grace.person}")
    await everything_is(grace, line, "banned")


async def test_an_archived_room_stays_as_it_is(ada: Client, grace: Client, garden: str, line: str) -> None:
    await change(ada, "PATCH", f"/rooms/{garden}", json={"archived": True})
    await everything_is(grace, line, "archived")


@pytest.mark.parametrize("text", ["", " \n", "a" * 10_001, "a\0b", None, 5, True, ["hi"], {"text": "hi"}])
async def test_what_an_edit_cannot_say_is_named(grace: Client, line: str, text: Any) -> None:
    assert await grace.wrong_fields("PATCH", line, json={"message": text}) == {"message"}
    assert await grace.wrong_fields("PATCH", line, json={}) == {"message"}


@pytest.mark.parametrize("reason", ["a" * 501, "a\0"])
async def test_a_reason_that_is_none_is_named(grace: Client, line: str, reason: str) -> None:
    assert await grace.wrong_fields("DELETE", line, params={"reason": reason}) == {"reason"}


@pytest.mark.parametrize("emoji", ["a b", "x" * 17, "%00", "👍%00", "\u202e", "\u200b", "%0A", "%EF%B8%8F"])
async def test_what_is_no_emoji_is_named(grace: Client, line: str, emoji: str) -> None:
    for method in ("PUT", "DELETE"):
        assert await grace.wrong_fields(method, f"{line}/reactions/{emoji}") == {"emoji"}


@pytest.mark.parametrize("limits", [True])
async def test_who_changes_too_fast_is_held_back(grace: Client, line: str) -> None:
    answers = [await grace.ask("PATCH", line, json={"message": str(number)}) for number in range(40)]
    slow = [response for response in answers if response.status_code == 429]
    assert {response.json()["code"] for response in slow} == {"rate_limited"}
    assert all(int(response.headers["retry-after"]) >= 1 for response in slow)
