"""The log as a tree, over REST: what is answered is verified here by nothing but the answers and a public key."""

import asyncio
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from pytest_django import Settings

from commands import merkle, treehead
from projections.models import TreeHead
from tests.api.client import Client
from tests.api.tokens import bearing, make


@pytest.fixture(autouse=True)
def at_once(settings: Settings) -> None:
    """Heads follow each other without a pause."""
    settings.TREE_HEAD_EVERY_S = 0.01


async def prove(client: Client, path: str, **wanted: Any) -> dict[str, Any]:
    """A proof, as soon as a head was signed over what it is about."""
    while (response := await client.ask("GET", path, params=wanted)).status_code == 503:
        assert response.json()["code"] in ("not_signed", "projection_behind")
        await asyncio.sleep(0.01)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def check_head(members: dict[str, Any]) -> treehead.SignedHead:
    head = treehead.from_members(members)
    assert treehead.is_signed(head, django_settings.SIGNING_KEY.public_key)
    return head


def unhex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in hashes]


async def test_an_event_is_proved_to_be_in_the_signed_tree(ada: Client, nobody: Client, garden: str) -> None:
    posted = await ada.post(garden, "The beans are up.")
    proof = await prove(nobody, "/log/inclusion", room=garden, seq=posted["seq"])
    head = check_head(proof["head"]).head
    assert (proof["room"], proof["seq"], proof["position"]) == (garden, posted["seq"], posted["position"])
    assert (head.tree_size, head.root_hash.hex()) == (proof["tree_size"], proof["root_hash"])
    leaf = bytes.fromhex(proof["leaf_hash"])
    assert merkle.includes(leaf, proof["leaf_index"], head.tree_size, unhex(proof["proof"]), head.root_hash)
    by_position = await nobody.get("/log/inclusion", position=posted["position"], tree_size=head.tree_size)
    assert by_position == proof


async def test_the_tree_is_proved_to_have_grown(ada: Client, nobody: Client, garden: str) -> None:
    first = check_head(
        (await prove(nobody, "/log/inclusion", position=(await ada.post(garden, "one"))["position"]))["head"]
    )
    second = check_head(
        (await prove(nobody, "/log/inclusion", position=(await ada.post(garden, "two"))["position"]))["head"]
    )
    sizes = first.head.tree_size, second.head.tree_size
    proof = await nobody.get("/log/consistency", first=sizes[0], second=sizes[1])
    assert (check_head(proof["first_head"]), check_head(proof["second_head"])) == (first, second)
    assert merkle.grew(*sizes, first.head.root_hash, second.head.root_hash, unhex(proof["proof"]))


async def test_the_newest_head_and_each_before_can_be_had(ada: Client, nobody: Client, garden: str) -> None:
    proof = await prove(nobody, "/log/inclusion", position=(await ada.post(garden, "one"))["position"])
    assert (await nobody.get("/log/head"))["tree_size"] >= proof["tree_size"]
    assert await nobody.get("/log/head", tree_size=proof["tree_size"]) == proof["head"]
    await nobody.refused("GET", "/log/head", "not_found", params={"tree_size": 2**50})


async def test_what_is_in_a_private_room_is_proved_to_those_who_see_it(
    ada: Client, grace: Client, nobody: Client, garden: str
) -> None:
    await ada.open(garden, visibility="private")
    posted = await ada.post(garden, "mine")
    await prove(ada, "/log/inclusion", room=garden, seq=posted["seq"])
    await prove(await bearing(nobody, await make()), "/log/inclusion", position=posted["position"])
    for other in (grace, nobody):
        await other.refused("GET", "/log/inclusion", "not_found", params={"room": garden, "seq": posted["seq"]})
        await other.refused("GET", "/log/inclusion", "not_found", params={"position": posted["position"]})


async def test_what_is_not_there_cannot_be_proved(ada: Client, garden: str) -> None:
    await ada.refused("GET", "/log/inclusion", "not_found", params={"room": garden, "seq": 1})
    await ada.post(garden, "one")
    await ada.refused("GET", "/log/inclusion", "not_found", params={"room": garden, "seq": 3})
    await ada.refused("GET", "/log/inclusion", "not_found", params={"room": "no such room", "seq": 3})
    await ada.refused("GET", "/log/inclusion", "not_found", params={"position": 2**50})


@pytest.mark.parametrize(
    "wanted",
    [{}, {"room": "garden"}, {"seq": 1}, {"room": "garden", "seq": 1, "position": 1}, {"seq": 1, "position": 1}],
)
async def test_one_event_is_to_be_named(nobody: Client, wanted: dict[str, Any]) -> None:
    await nobody.refused("GET", "/log/inclusion", "bad_request", params=wanted)


@pytest.mark.parametrize("size", ["0", "-1", "many", str(2**53), "1.0", ""])
async def test_a_size_is_a_number_of_events(nobody: Client, size: str) -> None:
    assert await nobody.wrong_fields("GET", "/log/head", params={"tree_size": size}) == {"tree_size"}
    assert await nobody.wrong_fields("GET", "/log/inclusion", params={"position": 1, "tree_size": size}) == {
        "tree_size"
    }
    assert await nobody.wrong_fields("GET", "/log/consistency", params={"first": size}) == {"first"}
    assert await nobody.wrong_fields("GET", "/log/consistency", params={"first": 1, "second": size}) == {"second"}


async def test_a_tree_has_to_be_large_enough_and_to_be_there(ada: Client, nobody: Client, garden: str) -> None:
    posted = await ada.post(garden, "one")
    proof = await prove(nobody, "/log/inclusion", position=posted["position"])
    for size in (proof["leaf_index"] or 2**50, 2**50):
        params = {"position": posted["position"], "tree_size": size}
        assert await nobody.wrong_fields("GET", "/log/inclusion", params=params) == {"tree_size"}
    assert await nobody.wrong_fields("GET", "/log/consistency", params={"first": 1, "second": 2**50}) == {"second"}
    assert await nobody.wrong_fields("GET", "/log/consistency", params={"first": 2**50}) == {"first"}
    assert await nobody.wrong_fields("GET", "/log/consistency", params={}) == {"first"}


async def test_where_guests_are_not_let_in_they_are_told_nothing(nobody: Client, settings: Settings) -> None:
    settings.GUESTS = "off"
    await nobody.refused("GET", "/log/head", "unauthenticated")
    await nobody.refused("GET", "/log/consistency", "unauthenticated", params={"first": 1})
    await nobody.refused("GET", "/log/inclusion", "unauthenticated", params={"position": 2**50})


async def test_what_somebody_has_forged_is_not_passed_on(ada: Client, nobody: Client, garden: str) -> None:
    proof = await prove(nobody, "/log/inclusion", position=(await ada.post(garden, "one"))["position"])
    head = TreeHead.objects.filter(tree_size=proof["tree_size"])
    await sync_to_async(head.update)(root_hash=bytes(32))
    wanted = {"position": proof["position"], "tree_size": proof["tree_size"]}
    await nobody.refused("GET", "/log/inclusion", "not_proved", params=wanted)
    await nobody.refused("GET", "/log/consistency", "not_proved", params={"first": 1, "second": proof["tree_size"]})
    await sync_to_async(head.update)(root_hash=bytes.fromhex(proof["root_hash"]))
