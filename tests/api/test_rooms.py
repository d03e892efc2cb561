"""Opening rooms, finding them, changing them."""

import pytest

from commands.rules import RESERVED
from tests.api.client import Client


async def test_whoever_opens_a_room_owns_it(ada: Client, nobody: Client, garden: str) -> None:
    response = await ada.ask("POST", "/rooms", json={"label": garden, "title": "The garden"})
    assert response.status_code == 201
    assert response.json() == {"room": garden, "seq": 1, "position": response.json()["position"]}
    assert response.headers["location"] == f"/api/v1/rooms/{garden}"
    room = await nobody.get(f"/rooms/{garden}", min_position=response.json()["position"])
    assert (room["label"], room["title"], room["owner"]) == (garden, "The garden", ada.person)
    assert (room["visibility"], room["archived"], room["slow_mode_s"]) == ("public", False, 0)
    assert room["retain_days"] == 0
    assert (room["head_seq"], room["message_count"], room["last_message_at"]) == (1, 0, None)


async def test_a_room_is_opened_once(ada: Client, grace: Client, garden: str) -> None:
    await ada.open(garden)
    await grace.refused("POST", "/rooms", "room_exists", json={"label": garden})


@pytest.mark.parametrize("label", ["", "a" * 51, "a b", "a/b", "ä", "a.b", "a\n", "a\0", 5, None, ["a"], True])
async def test_a_label_outside_the_rule_is_refused(ada: Client, label: object) -> None:
    assert await ada.wrong_fields("POST", "/rooms", json={"label": label}) == {"label"}


@pytest.mark.parametrize("label", sorted(RESERVED))
async def test_a_reserved_label_is_refused(ada: Client, label: str) -> None:
    await ada.refused("POST", "/rooms", "label_reserved", json={"label": label})
    await ada.refused("POST", f"/rooms/{label}/messages", "label_reserved", json={"message": "hi"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "a" * 201),
        ("title", "a\0"),
        ("title", 5),
        ("visibility", "secret"),
        ("visibility", None),
        ("visibility", True),
    ],
)
async def test_a_wrong_field_of_a_new_room_is_named(ada: Client, garden: str, field: str, value: object) -> None:
    assert await ada.wrong_fields("POST", "/rooms", json={"label": garden, field: value}) == {field}


async def test_nobody_in_particular_opens_no_room(nobody: Client, garden: str) -> None:
    await nobody.refused("POST", "/rooms", "unauthenticated", json={"label": garden})


async def test_a_private_room_is_there_for_its_owner_alone(ada: Client, grace: Client, garden: str) -> None:
    position = (await ada.open(garden, visibility="private"))["position"]
    response = await ada.ask("GET", f"/rooms/{garden}", params={"min_position": position})
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    for path in ("", "/messages", "/events"):
        await grace.refused("GET", f"/rooms/{garden}{path}", "not_found")
    await grace.refused("POST", f"/rooms/{garden}/messages", "not_found", json={"message": "hi"})
    await grace.refused("PATCH", f"/rooms/{garden}", "not_found", json={"title": "Mine"})
    assert garden in {room["label"] for room in (await ada.get("/rooms", limit=200))["items"]}
    assert garden not in {room["label"] for room in (await grace.get("/rooms", limit=200))["items"]}


async def test_the_directory_comes_in_pages(ada: Client, nobody: Client, garden: str) -> None:
    labels = [f"{garden}-{letter}" for letter in "abcde"]
    for label in labels:
        position = (await ada.open(label))["position"]
    await nobody.get(f"/rooms/{labels[-1]}", min_position=position)
    found: list[str] = []
    page = await nobody.get("/rooms", limit=2)
    while True:
        found += [room["label"] for room in page["items"]]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        page = await nobody.get("/rooms", limit=2, after=page["next"])
    assert len(found) == len(set(found))
    assert set(labels) <= set(found)


@pytest.mark.parametrize("label", ["nowhere", "a%00b", "%F0%9F%8C%B1", "a" * 51, "api", "a%20b", "..%00"])
async def test_a_room_that_is_not_there_is_not_found(nobody: Client, label: str) -> None:
    for path in ("", "/messages", "/events", "/messages/" + "0" * 32):
        await nobody.refused("GET", f"/rooms/{label}{path}", "not_found")


@pytest.mark.parametrize(
    "change",
    [{"title": "New"}, {"topic": "Beans"}, {"topic": ""}, {"slow_mode_s": 30}, {"archived": True}, {"retain_days": 7}],
)
async def test_the_owner_changes_their_room(ada: Client, garden: str, change: dict[str, object]) -> None:
    await ada.open(garden)
    if change == {"topic": ""}:
        await ada.ask("PATCH", f"/rooms/{garden}", json={"topic": "Peas"})
    done = (await ada.ask("PATCH", f"/rooms/{garden}", json=change)).json()
    assert "changed" not in done
    room = await ada.get(f"/rooms/{garden}", min_position=done["position"])
    assert {name: room[name] for name in change} == change
    again = await ada.ask("PATCH", f"/rooms/{garden}", json=change)
    assert (again.status_code, again.json()) == (200, {**done, "changed": False})


async def test_a_change_of_nothing_changes_nothing(ada: Client, garden: str) -> None:
    done = await ada.open(garden)
    response = await ada.ask("PATCH", f"/rooms/{garden}", json={"unknown": 1})
    assert (response.status_code, response.json()) == (200, {**done, "changed": False})


async def test_nobody_else_changes_it(ada: Client, grace: Client, nobody: Client, garden: str) -> None:
    await ada.open(garden)
    await grace.refused("PATCH", f"/rooms/{garden}", "forbidden", json={"title": "Mine"})
    await grace.refused("PATCH", f"/rooms/{garden}", "forbidden", json={"retain_days": 1})
    await nobody.refused("PATCH", f"/rooms/{garden}", "unauthenticated", json={"title": "Mine"})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", None),
        ("title", "a" * 201),
        ("title", ["a"]),
        ("topic", "a" * 1001),
        ("topic", "a\0"),
        ("archived", "true"),
        ("archived", 1),
        ("archived", None),
        ("slow_mode_s", -1),
        ("slow_mode_s", 21601),
        ("slow_mode_s", 1.5),
        ("slow_mode_s", "5"),
        ("slow_mode_s", True),
        ("slow_mode_s", 10**18),
        ("slow_mode_s", 10**40),
        ("retain_days", -1),
        ("retain_days", 36_501),
        ("retain_days", True),
    ],
)
async def test_a_wrong_change_is_named(ada: Client, garden: str, field: str, value: object) -> None:
    await ada.open(garden)
    assert await ada.wrong_fields("PATCH", f"/rooms/{garden}", json={field: value}) == {field}


async def test_an_archived_room_takes_nothing_more(ada: Client, garden: str) -> None:
    await ada.open(garden)
    await ada.ask("PATCH", f"/rooms/{garden}", json={"archived": True})
    await ada.refused("POST", f"/rooms/{garden}/messages", "archived", json={"message": "hi"})
    await ada.refused("PATCH", f"/rooms/{garden}", "archived", json={"title": "New"})
    assert (await ada.ask("PATCH", f"/rooms/{garden}", json={"archived": False})).status_code == 200
    await ada.post(garden, "hi")
