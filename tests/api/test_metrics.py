"""/metrics: numbers that follow what happens, for operators alone."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from tests.api.client import Client
from tests.api.lifespan import App


async def scrape(client: httpx.AsyncClient) -> dict[str, float]:
    """Every sample by its name and labels, as `sockets classic`; the worker's own label is checked and left out."""
    response = await client.get("/metrics")
    assert response.status_code == 200, response.text
    found = {}
    for family in text_string_to_metric_families(response.text):
        for sample in family.samples:
            labels = dict(sample.labels)
            assert labels.pop("worker") == "web-0"
            found[" ".join([sample.name.removeprefix("verbatim_"), *labels.values()])] = sample.value
    return found


async def test_a_posted_message_is_counted_on_its_way(nobody: Client, ada: Client, garden: str) -> None:
    before = await scrape(nobody.http)
    posted = await ada.post(garden, "hi")
    await nobody.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    after = await scrape(nobody.http)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert grown["commits_total"] == grown["append_seconds_count"] == 1
    assert grown["events_total"] == grown["commit_events_sum"] == 2  # the room was opened, too
    assert grown["http_requests_total 2xx"] == 3  # this one, the page, and the scrape before
    assert after["queue_length"] == 0
    assert after["read_database_up"] == 1
    assert after["projection_lag_events history"] == 0
    assert after["parked_rooms history"] == 0
    assert after["process_open_fds"] > 3
    assert after["process_cpu_seconds_total"] > 0


async def test_refusals_are_counted_by_their_code(nobody: Client, ada: Client, garden: str) -> None:
    await ada.post(garden, "hi", client_msg_id="one")
    await ada.refused("POST", f"/rooms/{garden}/messages", "invalid_field", json={"message": ""})
    await ada.refused(
        "POST", f"/rooms/{garden}/messages", "idempotency_mismatch", json={"message": "ho", "client_msg_id": "one"}
    )
    await nobody.refused("GET", "/rooms/nowhere-at-all/messages", "not_found")
    counted = await scrape(nobody.http)
    for code in ("invalid_field", "idempotency_mismatch", "not_found"):
        assert counted[f"refusals_total {code} rest"] == 1
    assert counted["http_requests_total 4xx"] == 3


async def test_without_its_read_database_a_process_still_tells_the_rest(nobody: Client, application: App) -> None:
    await application._node.state["queries"].close()  # type: ignore[attr-defined]  # the application is ours
    counted = await scrape(nobody.http)
    assert counted["read_database_up"] == 0
    assert "projection_lag_events history" not in counted
    assert counted["queue_length"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Real-IP": "203.0.113.7"},
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy"},
        {"Host": "chat.example"},
        {"Host": "127.0.0.1.rebound.example"},
        {"Host": ""},
    ],
)
async def test_who_may_be_a_stranger_is_refused(nobody: Client, headers: dict[str, str]) -> None:
    response = await nobody.http.get("/metrics", headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")


async def test_a_stranger_from_another_machine_is_refused(application: App) -> None:
    from_afar = httpx.ASGITransport(application, client=("203.0.113.7", 5555))
    async with httpx.AsyncClient(transport=from_afar, base_url="http://localhost") as stranger:
        assert (await stranger.get("/metrics")).status_code == 403


async def test_with_a_token_that_alone_opens(application: App, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a token of Prometheus"
    from_afar = httpx.ASGITransport(application, client=("203.0.113.7", 5555))
    async with httpx.AsyncClient(transport=from_afar, base_url="http://chat.example") as somebody:
        for wrong in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic a token of Prometheus"}):
            refused = await somebody.get("/metrics", headers=wrong)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        somebody.headers["Authorization"] = "Bearer a token of Prometheus"
        assert "commits_total" in await scrape(somebody)


async def test_metrics_answer_to_get_alone(nobody: Client) -> None:
    assert (await nobody.http.post("/metrics")).status_code == 405
