"""What REST says when something behind it is not as it should be."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from commands.clock import now_ms
from projections.models import Checkpoint, ParkedRoom, ProjectionBeside
from tests.api.client import Client


@pytest.fixture
async def parked(ada: Client, garden: str) -> AsyncIterator[str]:
    """A private room of ada's that the history cannot follow."""
    position = (await ada.open(garden, visibility="private"))["position"]
    await ada.get(f"/rooms/{garden}/messages", min_position=position)
    row = {"projection": "history", "room": garden, "seq": 1, "position": position, "error": "test", "since": 0}
    await ParkedRoom.objects.acreate(**row)
    yield garden
    await ParkedRoom.objects.filter(room=garden).adelete()


async def test_a_room_that_is_set_aside_says_so(ada: Client, grace: Client, parked: str) -> None:
    response = await ada.ask("GET", f"/rooms/{parked}/messages")
    assert (response.status_code, response.json()["code"]) == (503, "room_parked")
    assert response.headers["retry-after"] == "5"
    await grace.refused("GET", f"/rooms/{parked}/messages", "not_found")
    assert (await ada.get(f"/rooms/{parked}/events"))["head_seq"] == 1, "the stream itself can be read"


async def test_rooms_that_are_set_aside_are_named_to_those_who_may_see_them(
    ada: Client, grace: Client, parked: str
) -> None:
    for who, named in ((ada, [parked]), (grace, [])):
        (history,) = [item for item in (await who.get("/projections"))["items"] if item["name"] == "history"]
        assert (history["parked"], history["parked_rooms"]) == (1, named)


async def test_who_was_erased_is_gone_and_leaves_stubs(ada: Client, application: Any, garden: str) -> None:
    posted = await ada.post(garden, "hi")
    application._node.state["handlers"]._mapper.keyring.forget(ada.person)
    await ada.refused("POST", f"/rooms/{garden}/messages", "gone", json={"message": "still here?"})
    for item in (await ada.get(f"/rooms/{garden}/events"))["items"]:
        assert (item["stub"], item["data"], item["actor"]) == ("erased", {}, ada.person)
    assert item["subject"] == f"message:{posted['message_id']}"


async def test_a_writer_that_has_too_much_to_do_says_so(ada: Client, application: Any, garden: str) -> None:
    await ada.open(garden)
    application._node._writer._max_waiting = 0
    response = await ada.ask("POST", f"/rooms/{garden}/messages", json={"message": "hi"})
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert response.headers["retry-after"] == "1"


async def test_a_store_that_is_gone_is_unavailable(nobody: Client, ada: Client, application: Any, garden: str) -> None:
    await ada.open(garden)
    await application._node.state["log"]._store.close()
    for method, path, what in (
        ("GET", f"/rooms/{garden}/events", {}),
        ("POST", f"/rooms/{garden}/messages", {"json": {"message": "hi"}}),
    ):
        response = await ada.ask(method, path, **what)
        assert (response.status_code, response.json()["code"]) == (503, "unavailable")
        assert response.headers["retry-after"]


async def test_how_far_a_rebuild_is_is_for_everybody_to_see(nobody: Client, ada: Client, garden: str) -> None:
    posted = await ada.post(garden, "hi")
    await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    beside = ProjectionBeside(projection="history", state="building", made_by="", began_at=now_ms() - 500, began_from=0)
    checkpoint = {"projection": "history/beside", "partition": 0, "position": 1, "heartbeat_at": now_ms()}
    await beside.asave()
    await Checkpoint.objects.acreate(**checkpoint)
    try:
        items = (await nobody.get("/projections"))["items"]
    finally:
        await beside.adelete()
        await Checkpoint.objects.filter(projection="history/beside").adelete()
    assert [item["name"] for item in items] == ["directory", "history", "people", "proof"]
    assert items[0]["rebuild"] is None
    seen = items[1]["rebuild"]
    assert (seen["state"], seen["position"]) == ("building", 1)
    assert seen["target"] == items[1]["position"]
    assert 0 < seen["events_per_s"] <= 2.0
    assert seen["eta_s"] > 0
