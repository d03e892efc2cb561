"""Servers without our extension: the same checks, over the plain ASGI `send`."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidStatus

from realtime import outlet
from tests.acceptance.deployment import migrated_file
from tests.realtime.client import Client
from tests.realtime.raw import raw
from tests.realtime.test_hub import until
from tests.realtime.world import World
from tests.server_process import Server
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]


APPLICATION = "config.asgi:application"
COMMANDS = {
    "daphne": ("-m", "daphne", "-b", "127.0.0.1", "-p", "{port}", APPLICATION),
    "hypercorn": ("-m", "hypercorn", "--bind", "127.0.0.1:{port}", APPLICATION),
    "granian": ("-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}", APPLICATION),
}


class Another(Server):
    """The whole application under another server."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.port = free_port()
        self._command = [word.format(port=self.port) for word in COMMANDS[name]]
        self._environment = os.environ | {
            "DATABASE_URL": f"sqlite:///{self.folder}/verbatim.sqlite3",
            "LIMITS": "off",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }

    def _launch(self, **how: object) -> subprocess.Popen[bytes]:
        (self.folder / "verbatim.sqlite3").write_bytes(migrated_file())
        return subprocess.Popen([sys.executable, *self._command], cwd=ROOT, env=self._environment, **how)  # type: ignore[call-overload, no-any-return]  # as the parent asks

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True


@pytest.fixture(scope="module", params=[*COMMANDS, None], ids=lambda name: name or "uvicorn as it is")
def another(request: pytest.FixtureRequest) -> Iterator[Another | None]:
    """Another server, started once for all tests; none for the one that each test starts in its own process."""
    if request.param is None:
        yield None
        return
    with Another(request.param) as another:
        yield another


@pytest.fixture
async def port(another: Another | None, world: World) -> AsyncIterator[int]:
    if another:
        yield another.port
    else:
        async with world.serve(ws_protocol_class=WebSocketsSansIOProtocol):
            yield world.port


@pytest.fixture
def room(request: pytest.FixtureRequest) -> str:
    """A room of the test's own."""
    return f"room-{abs(hash(request.node.name))}"


async def welcomed(client: Client) -> Client:
    await client.receive("welcome")
    return client


async def test_a_room_can_be_talked_in(port: int, room: str) -> None:
    async with Client.connect(port, "/chat/") as ada, Client.connect(port, f"/chat/{room}/") as grace:
        await welcomed(ada)
        await welcomed(grace)
        await grace.receive("subscribed")
        await grace.receive("caught_up")
        for n in range(100):
            await ada.send("post", id=n, room=room, message=f"é {n}")
        assert {(await ada.receive("posted"))["id"] for _ in range(100)} == set(range(100))
        events = await grace.receive_events(100)
        assert [event["seq"] for event in events] == list(range(2, 102))
        assert [event["data"]["message"] for event in events] == [f"é {n}" for n in range(100)]


async def test_a_backlog_comes_in_pages_and_goes_on_live(port: int, room: str) -> None:
    async with Client.connect(port, "/chat/") as ada, Client.connect(port, "/chat/") as grace:
        await welcomed(ada)
        await welcomed(grace)
        for n in range(399):
            await ada.send("post", room=room, message="x" * 5_000 if n % 10 == 0 else "short")
        for _ in range(399):
            await ada.receive("posted")
        assert (await grace.subscribe(room, after=0))["head"] == 400
        assert [event["seq"] for event in await grace.receive_events(300)] == list(range(1, 301))
        assert await grace.is_silent()
        await grace.send("ack", room=room, seq=300)
        assert [event["seq"] for event in await grace.receive_events(100)] == list(range(301, 401))
        await grace.receive("caught_up")
        await ada.ask("post", room=room, message="live")
        assert (await grace.receive("event"))["seq"] == 401


async def test_a_resumed_socket_gets_exactly_what_it_missed(port: int, room: str) -> None:
    async with Client.connect(port, "/chat/") as ada:
        await welcomed(ada)
        first = await ada.ask("post", room=room, message="seen")
        for _ in range(3):
            await ada.ask("post", room=room, message="missed")
        async with Client.connect(port, "/chat/") as grace:
            await welcomed(grace)
            await grace.subscribe(room, after=first["seq"])
            assert [event["seq"] for event in await grace.receive_events(3)] == [3, 4, 5]
            await grace.receive("caught_up")


async def test_the_guides_dialect_is_spoken(port: int, room: str) -> None:
    async with Client.connect(port, f"/chat/{room}/", protocol=None) as client:
        await client.send_raw('{"handle": "ada", "message": "hi"}')
        said = await client.receive()
        assert (said["handle"], said["message"]) == ("ada", "hi")


async def test_bad_frames_are_refused_and_the_third_malformed_one_closes(port: int) -> None:
    async with Client.connect(port, "/chat/") as client:
        await welcomed(client)
        assert await client.refusal("subscribe", room="a b") == "invalid_field"
        for frame in ("{", b"{}", "[]"):
            await client.send_raw(frame)
        code, frames = await client.closed()
        assert [frame["type"] for frame in frames] == ["error", "error", "disconnect"]
        assert code == frames[-1]["code"] == 4501


async def test_closes_come_with_their_codes(port: int) -> None:
    async with Client.connect(port, "/chat/", token="nonsense") as client:
        assert (await client.closed())[0] == 4503
    async with Client.connect(port, "/chat/", protocol="verbatim.v99") as client:
        assert (await client.closed())[0] == 4506
    async with Client.connect(port, "/chat/api/") as client:
        assert (await client.closed())[0] == 4501


async def test_a_foreign_origin_is_refused_in_the_handshake(port: int) -> None:
    with pytest.raises(InvalidStatus, match="403"):
        async with Client.connect(port, "/chat/", origin="http://evil.example"):
            pass


async def test_a_socket_that_vanishes_harms_nobody(port: int, room: str) -> None:
    async with Client.connect(port, f"/chat/{room}/") as client:
        await welcomed(client)
        await client.receive("subscribed")
        for _ in range(5):
            async with raw(port) as gone:
                await gone.shake_hands(f"/chat/{room}/")
                await gone.receive_frame()
            posted = await client.ask("post", room=room, message="hi")
            assert posted["type"] == "posted"


async def test_a_slow_reader_is_closed_by_the_relay_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "STALLED_S", 0.2)
    room = "slow"
    async with world.serve(ws_protocol_class=WebSocketsSansIOProtocol), raw(world.port, receive_bytes=4096) as slow:
        await world.say("hi", room)
        await slow.shake_hands(f"/chat/{room}/")
        for _ in range(3):
            await slow.receive_frame()
        for _ in range(8):
            await asyncio.gather(*(world.say("x" * 10_000, room) for _ in range(100)))
        await until(lambda: world.hubs.tally.closed["slow"] > 0)
        code, last = await slow.close_code()
        assert (code, json.loads(last)["type"]) == (4008, "disconnect")
