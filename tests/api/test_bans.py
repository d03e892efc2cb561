"""Keeping somebody out."""

import pytest

from commands.clock import now_ms, rfc3339
from tests.api.client import Client


@pytest.fixture
async def room(ada: Client, garden: str) -> str:
    await ada.open(garden)
    return garden


async def test_a_banned_person_cannot_post_until_they_are_let_in(ada: Client, grace: Client, room: str) -> None:
    path = f"/rooms/{room}/bans/{grace.person}"
    banned = (await ada.ask("PUT", path)).json()
    assert banned["seq"] == 2
    await grace.refused("POST", f"/rooms/{room}/messages", "banned", json={"message": "hi"})
    again = await ada.ask("PUT", path, json={})
    assert (again.status_code, again.json()) == (200, {**banned, "changed": False})
    lifted = (await ada.ask("DELETE", path)).json()
    assert lifted["seq"] == 3
    assert (await ada.ask("DELETE", path)).json() == {**lifted, "changed": False}
    await grace.post(room, "hi")


async def test_only_the_owner_may(ada: Client, grace: Client, nobody: Client, room: str) -> None:
    for method in ("PUT", "DELETE"):
        await grace.refused(method, f"/rooms/{room}/bans/{ada.person}", "forbidden")
        await nobody.refused(method, f"/rooms/{room}/bans/{ada.person}", "unauthenticated")
        await ada.refused(method, f"/rooms/{room}/bans/{ada.person}", "forbidden")
        await ada.refused(method, f"/rooms/{room}-not/bans/{grace.person}", "not_found")
        await ada.refused(method, f"/rooms/a%00b/bans/{grace.person}", "not_found")


@pytest.mark.parametrize("person", ["grace", "guest:", "guest:a%00b", "robot:1", "guest:" + "a" * 65, "guest:ä"])
async def test_who_cannot_be_a_person_cannot_be_banned(ada: Client, room: str, person: str) -> None:
    for method in ("PUT", "DELETE"):
        assert await ada.wrong_fields(method, f"/rooms/{room}/bans/{person}") == {"person"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("until", "tomorrow"),
        ("until", "2100-01-01T00:00:00"),
        ("until", 4_102_444_800_000),
        ("until", ""),
        pytest.param("until", rfc3339(now_ms() - 60_000), id="until-a minute ago"),
        ("until", "0001-01-01T00:00:00+23:59"),
        ("until", "2100-01-01T00:00:00Z\0"),
        ("reason", "a" * 501),
        ("reason", "a\0"),
        ("reason", None),
        ("reason", 5),
    ],
)
async def test_a_wrong_field_of_a_ban_is_named(
    ada: Client, grace: Client, room: str, field: str, value: object
) -> None:
    path = f"/rooms/{room}/bans/{grace.person}"
    assert await ada.wrong_fields("PUT", path, json={field: value}) == {field}
