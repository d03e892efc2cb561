"""What is the same for every request: its id, its size, its form, and that nothing of ours is shown when it fails."""

from collections import Counter
from typing import Any

import httpx
import pytest
from asgiref.sync import SyncToAsync

from api.application import MAX_BODY_BYTES, Rest
from tests.api.client import JSON, Client


async def nowhere(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError(scope)


async def test_every_answer_names_its_request(nobody: Client, ada: Client, garden: str) -> None:
    for sane in ("r-1", "01938a5c-7b1e-7c3a-9f00-5a1d2c3b4e5f", "a" * 64):
        response = await nobody.ask("GET", "/rooms", headers={"X-Request-ID": sane})
        assert response.headers["x-request-id"] == sane
    for wild in ("a" * 65, "", "a b", "ä".encode(), '"x"', "a,b", "\x7f"):
        response = await nobody.ask("GET", "/nowhere", headers=[("X-Request-ID", wild)])
        assert response.headers["x-request-id"] != wild
        assert response.json()["request_id"] == response.headers["x-request-id"]
    ids = {(await nobody.ask("GET", "/rooms")).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


async def test_the_event_knows_the_request_that_caused_it(ada: Client, application: Any, garden: str) -> None:
    await ada.ask("POST", "/rooms", json={"label": garden}, headers={"X-Request-ID": "r-42", "User-Agent": "test/1"})
    (fact,) = await application._node.state["log"].read_room(garden, after=0)
    assert (fact.event.request_id, fact.event.client, fact.event.address) == ("r-42", "test/1", "127.0.0.1")


@pytest.mark.parametrize("path", ["/nowhere", "/", "/rooms/", "/rooms/a/b/c", "/rooms/garden/messages/", "//rooms"])
async def test_what_is_not_there_is_not_found(nobody: Client, path: str) -> None:
    await nobody.refused("GET", path, "not_found")
    await nobody.refused("POST", path, "not_found", json={})


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/rooms", "/api/v1", "/api/docs/", "/api/docs/../urls.py"])
async def test_everything_under_api_answers_with_a_problem(nobody: Client, path: str) -> None:
    response = await nobody.http.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/rooms", {"GET", "HEAD", "POST"}),
        ("DELETE", "/rooms/garden", {"GET", "HEAD", "PATCH"}),
        ("OPTIONS", "/guests", {"POST"}),
        ("GET", "/guests", {"POST"}),
        ("POST", "/projections", {"GET", "HEAD"}),
        ("TRACE", "/rooms", {"GET", "HEAD", "POST"}),
        ("BREW", "/rooms", {"GET", "HEAD", "POST"}),
    ],
)
async def test_another_method_is_not_allowed(nobody: Client, method: str, path: str, allowed: set[str]) -> None:
    await nobody.refused(method, path, "method_not_allowed")
    response = await nobody.ask(method, path)
    assert set(response.headers["allow"].split(", ")) == allowed


async def test_a_body_has_a_largest_size(ada: Client, garden: str) -> None:
    frame = b'{"message": "hi", "padding": "%b"}'
    fits = frame % (b"a" * (MAX_BODY_BYTES - len(frame) + 2))
    assert len(fits) == MAX_BODY_BYTES
    path = f"/rooms/{garden}/messages"
    assert (await ada.ask("POST", path, content=fits, headers=JSON)).status_code == 201
    await ada.refused("POST", path, "too_large", content=fits + b" ", headers=JSON)


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    sent: list[Any] = []
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"a" * 10_000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/rooms",
        "headers": [],
        "query_string": b"",
        "state": {"refusals": Counter()},
    }
    await Rest(nowhere)(scope, receive, send)
    assert sent[0]["status"] == 413
    assert chunks == 7


async def test_a_client_that_goes_away_gets_no_answer() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/rooms", "headers": [], "query_string": b""}
    await Rest(nowhere)(scope, receive, send)


async def test_a_media_type_must_make_sense(nobody: Client) -> None:
    headers = {"content-type": "application/json; charset*=x''%ff"}
    await nobody.refused("POST", "/guests", "bad_request", content=b"{}", headers=headers)


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_is_json_or_nothing(ada: Client, media_type: str) -> None:
    headers = {"content-type": media_type} if media_type else {}
    await ada.refused("POST", "/rooms", "unsupported_media_type", content=b'{"label": "x"}', headers=headers)
    headers["content-type"] = "application/json; charset=utf-8"
    await ada.refused("POST", "/rooms", "label_reserved", content=b'{"label": "new"}', headers=headers)


def nested(levels: int) -> bytes:
    """An object with `levels` containers in one another, itself included."""
    return b'{"deep": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b', "label": "new"}'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "bad_json"),
        (b" ", "bad_json"),
        (b"{", "bad_json"),
        (b'{"label": "x"', "bad_json"),
        (b'{"label": "x",}', "bad_json"),
        (b"{'label': 'x'}", "bad_json"),
        (b'{"label": "x"} {}', "bad_json"),
        (b'{"label": NaN}', "bad_json"),
        (b'{"label": -Infinity}', "bad_json"),
        (b'{"label": "\xff"}', "bad_json"),
        (b'{"label": "\xed\xa0\x80"}', "bad_json"),
        (b'\xef\xbb\xbf{"label": "x"}', "bad_json"),
        ('{"label": "x"}'.encode("utf-16"), "bad_json"),
        (b'{"label": "\x00"}', "bad_json"),
        (b'{"label": "\\u00"}', "bad_json"),
        (b"[]", "bad_request"),
        (b'"label"', "bad_request"),
        (b"null", "bad_request"),
        (b"5", "bad_request"),
        (b"{}", "invalid_field"),
        (b'{"label": 1e999}', "invalid_field"),
        (b'{"label": ' + b"9" * 60_000 + b"}", "invalid_field"),
        (nested(32), "label_reserved"),
        (nested(33), "bad_request"),
        (b'{"deep": ' + b'{"a": ' * 32 + b"1" + b"}" * 33, "bad_request"),
        (b'{"label": "new", "wide": [' + b"[],{}," * 500 + b"0]}", "label_reserved"),
        (b"[" * 60_000, "bad_request"),
        (b'{"label": "\\ud800", "deep": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "bad_request"),
    ],
)
async def test_a_body_that_is_no_sound_json_object_is_refused(ada: Client, body: bytes, code: str) -> None:
    await ada.refused("POST", "/rooms", code, content=body, headers=JSON)


async def test_an_address_must_be_utf8(nobody: Client, transport: httpx.ASGITransport) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/rooms",
        "headers": [(b"host", b"localhost")],
        "query_string": b"limit=\xff",
    }
    await transport.app(scope, receive, send)
    assert sent[0]["status"] == 400
    await nobody.refused("GET", "/rooms", "bad_request", params={f"p{number}": "" for number in range(1001)})


async def test_another_host_name_is_refused_but_health_is_told_to_everybody(nobody: Client) -> None:
    for host in ("evil.example", "", "localhost:x", "a" * 300):
        await nobody.refused("GET", "/rooms", "bad_request", headers={"host": host})
        assert (await nobody.http.get("/health/live", headers={"host": host})).status_code == 200
    assert (await nobody.ask("GET", "/rooms", headers={"host": "127.0.0.1:8000"})).status_code == 200


async def test_our_own_failure_is_told_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    async def without_its_parts(scope: Any, receive: Any, send: Any) -> None:
        await Rest(nowhere)({**scope, "state": {"refusals": Counter()}}, receive, send)

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=without_its_parts), base_url="http://localhost"
    ) as client:
        response = await client.get("/api/v1/rooms")
    assert (response.status_code, response.json()["code"]) == (500, "internal")
    assert "KeyError" not in response.text
    assert "KeyError" in caplog.text


async def test_requests_are_answered_on_the_event_loop_alone(
    ada: Client, grace: Client, garden: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hops: list[object] = []
    to_thread = SyncToAsync.__call__

    async def count(self: Any, *args: Any, **kwargs: Any) -> Any:
        hops.append(self.func)
        return await to_thread(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", count)
    posted = await ada.post(garden, "hi")
    await ada.get(f"/rooms/{garden}/messages", min_position=posted["position"])
    await ada.get(f"/rooms/{garden}/events")
    await ada.get("/rooms")
    await ada.ask("PUT", f"/rooms/{garden}/bans/{grace.person}")
    await ada.refused("GET", "/rooms/nowhere", "not_found")
    assert hops == []
    await ada.http.get("/")
    assert hops, "where Django's handler serves, this counts its hops"
