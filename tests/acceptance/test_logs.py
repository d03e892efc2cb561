"""The log tells what happened and never what was said: every door is tried, with everything that may go wrong."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from commands.identity import Guests
from tests.acceptance.clients import open_socket, receive
from tests.acceptance.deployment import SECRET_KEY, Web
from tests.cast import GENERAL

SECRET = "wisteria-7714"
HANDLE = "quillfeather"


@pytest.fixture
def web() -> Iterator[Web]:
    """A server to which every request is a slow one."""
    with Web(SLOW_REQUEST_S="0.000001", LOG_FORMAT="json") as server:
        yield server


def log_of(web: Web) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (web.folder / "log").read_text().splitlines()]


async def test_no_door_lets_what_is_said_into_the_log(web: Web) -> None:
    token = Guests(SECRET_KEY).welcome(HANDLE)[1]
    await use_rest(web, token)
    await use_the_page(web)
    await use_sockets(web, token)
    web.stop()
    written = (web.folder / "log").read_text()
    lines = log_of(web)
    assert len(lines) > 10
    for told in (SECRET, HANDLE, token, token.partition(":")[0]):
        assert told not in written
    for line in lines:
        assert {"time", "level", "logger", "message", "worker"} <= line.keys()
        assert line["worker"] == "web-0"
    posts = [each for each in lines if each.get("path") == f"/api/v1/rooms/{GENERAL}/messages" and "person" in each]
    assert {each["status"] for each in posts} >= {201, 422}
    assert all(each["person"].startswith("guest:") and each["request_id"] for each in posts)
    dropped = [each for each in lines if "classic socket" in each["message"]]
    assert dropped
    assert all(each["request_id"] and each["person"] for each in dropped)


async def use_rest(web: Web, token: str) -> None:
    base, posts = f"http://127.0.0.1:{web.port}/api/v1", f"/rooms/{GENERAL}/messages"
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
        assert (await client.post(posts, json={"message": SECRET, "client_msg_id": "a"})).status_code == 201
        for body in (
            {"message": f"{SECRET} changed", "client_msg_id": "a"},
            {"message": SECRET * 1000},
            {"message": SECRET, "handle": f"{HANDLE}\n"},
            {"message": SECRET, "reply_to": SECRET},
            {"message": {"text": SECRET}},
        ):
            assert (await client.post(posts, json=body)).status_code in (404, 422)
        for raw in (f'{{"message": "{SECRET}', f'{{"message": "{SECRET}\\ud800"}}', f"[{SECRET!r}]", SECRET):
            await client.post(posts, content=raw, headers={"Content-Type": "application/json"})
        await client.post("/guests", json={"handle": HANDLE})
        await client.post("/guests", json={"handle": HANDLE * 100})
        await client.get(posts, params={"before": SECRET, "token": token})
        await client.get("/rooms", headers={"Authorization": f"Bearer {token}x"})
        await client.post("/rooms", json={"label": "garden", "title": SECRET})


async def use_the_page(web: Web) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{web.port}", timeout=30) as client:
        assert SECRET in (await client.get(f"/{GENERAL}/")).text
        await client.get("/new/", params={"label": f"{SECRET} not a label"})
        await client.post("/accounts/handle/", data={"handle": HANDLE})


async def use_sockets(web: Web, token: str) -> None:
    address, headers = f"127.0.0.1:{web.port}", {"Authorization": f"Bearer {token}"}
    async with open_socket(address, "/chat/", headers) as socket:
        assert (await receive(socket))["type"] == "welcome"
        for frame in (
            {"type": "post", "room": GENERAL, "message": SECRET},
            {"type": "post", "room": GENERAL, "message": SECRET * 1000},
            {"type": "post", "room": GENERAL, "message": [SECRET]},
            {"type": "post", "room": GENERAL, "message": SECRET, "handle": HANDLE * 100},
            {"type": SECRET},
        ):
            await socket.send(json.dumps(frame))
            assert (await receive(socket))["type"] in ("posted", "error")
        await socket.send(SECRET)
        assert (await receive(socket))["code"] == "bad_json"
    async with connect(f"ws://{address}/chat/{GENERAL}/", additional_headers=headers, proxy=None) as classic:
        await classic.send(json.dumps({"handle": HANDLE * 100, "message": SECRET}))
        await classic.send(json.dumps({"handle": HANDLE, "message": [SECRET]}))
        await classic.send(SECRET)
        await classic.send(json.dumps({"handle": HANDLE, "message": SECRET}))
        assert json.loads(await classic.recv())["message"] == SECRET
