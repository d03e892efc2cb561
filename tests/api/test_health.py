"""Health and the state of the projections."""

import asyncio
from typing import Any

from pytest_django import Settings

from tests.api.client import Client


async def test_a_node_that_runs_is_live_and_ready(nobody: Client, ada: Client, garden: str) -> None:
    posted = await ada.post(garden, "hi")
    await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    live = await nobody.http.get("/health/live")
    assert (live.status_code, live.json()) == (200, {"status": "live"})
    ready = await nobody.http.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": []})


async def test_a_node_without_its_store_is_not_ready_and_says_why(nobody: Client, application: Any) -> None:
    await application._node.state["log"]._store.close()
    ready = await nobody.http.get("/health/ready")
    assert ready.status_code == 503
    assert any(reason.startswith("store: ") for reason in ready.json()["reasons"])
    assert (await nobody.http.get("/health/live")).status_code == 200


async def test_a_node_whose_projections_lag_is_not_ready_and_says_how_far(
    nobody: Client, ada: Client, garden: str, application: Any, settings: Settings
) -> None:
    posted = await ada.post(garden, "hi")
    await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    application._node._runner.stop()
    await application._node._running
    await ada.post(garden, "nobody projects this")
    assert (await nobody.http.get("/health/ready")).status_code == 200
    settings.READY_LAG_S = 0.01
    async with asyncio.timeout(10):
        while (ready := await nobody.http.get("/health/ready")).status_code == 200:
            await asyncio.sleep(0.01)
    assert {reason.partition(",")[0] for reason in ready.json()["reasons"]} == {
        "projection directory: 1 events behind",
        "projection history: 1 events behind",
    }


async def test_projections_tell_how_far_they_are(nobody: Client, ada: Client, garden: str) -> None:
    posted = await ada.post(garden, "hi")
    await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    items = (await nobody.get("/projections"))["items"]
    assert items
    for item in items:
        assert item["name"]
        assert (item["parked"], item["parked_rooms"]) == (0, [])
    assert max(item["position"] for item in items) >= posted["position"]


async def test_health_answers_to_get_alone(nobody: Client) -> None:
    for path in ("/health/live", "/health/ready", "/api/docs", "/api/openapi.json"):
        response = await nobody.http.post(path)
        assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")
