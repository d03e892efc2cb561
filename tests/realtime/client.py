"""A client of the socket: real frames over a real connection, with a bound on every wait."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

WAIT_S = 10.0
FLEETING = ("presence", "typing")
"""Types of frames that come at any time."""


class Client:
    """One socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.welcome: dict[str, Any] = {}

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        port: int,
        path: str,
        *,
        protocol: str | None = "verbatim.v1",
        origin: str | None = "",
        token: str | None = None,
        cookie: str | None = None,
        host: str | None = None,
    ) -> AsyncIterator["Client"]:
        """Open a socket; `protocol` may name several, `origin` "" is the page's own, `host` the server's name."""
        page = f"http://127.0.0.1:{port}" if origin == "" else origin
        async with websockets.connect(
            f"ws://{host or f'127.0.0.1:{port}'}{path}",
            host="127.0.0.1",
            port=port,
            subprotocols=[Subprotocol(name) for name in protocol.split()] if protocol else None,
            origin=Origin(page) if page else None,
            additional_headers=_credentials(token, cookie),
            compression=None,
            max_size=None,
            ping_interval=None,
            close_timeout=1,
            proxy=None,
        ) as connection:
            yield cls(connection)

    async def send(self, type: str, **fields: Any) -> None:  # noqa: A002 - the frame's field
        await self.send_raw(json.dumps({"type": type, **fields}))

    async def send_raw(self, data: str | bytes) -> None:
        await self.connection.send(data)

    async def receive(self, *types: str) -> dict[str, Any]:
        """The next frame, which must be of one of these types if any are named; passes over what is fleeting."""
        async with asyncio.timeout(WAIT_S):
            frame: dict[str, Any] = json.loads(await self.connection.recv())
            while frame.get("type") in FLEETING and frame["type"] not in types:
                frame = json.loads(await self.connection.recv())
        assert not types or frame.get("type") in types, frame
        return frame

    async def receive_events(self, count: int) -> list[dict[str, Any]]:
        return [await self.receive("event") for _ in range(count)]

    async def ask(self, type: str, **fields: Any) -> dict[str, Any]:  # noqa: A002 - the frame's field
        """Send a frame and give the reply to it, passing over what is pushed meanwhile."""
        await self.send(type, id="ask", **fields)
        while (frame := await self.receive()).get("id") != "ask":
            pass
        return frame

    async def refusal(self, type: str, **fields: Any) -> str:  # noqa: A002 - the frame's field
        """The code with which a frame is refused."""
        return str((await self.ask(type, **fields)).get("code"))

    async def subscribe(self, room: str, **fields: Any) -> dict[str, Any]:
        return await self.ask("subscribe", room=room, **fields)

    async def is_silent(self) -> bool:
        """Whether nothing was pushed: the answer to a ping is the next frame."""
        await self.send("ping", id="silence")
        return await self.receive() == {"type": "pong", "id": "silence"}

    async def closed(self) -> tuple[int, list[dict[str, Any]]]:
        """Wait for the close; its code, and what came before it."""
        frames: list[dict[str, Any]] = []
        try:
            while True:
                frames.append(await self.receive())
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006, frames


def _credentials(token: str | None, cookie: str | None) -> dict[str, str]:
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    return bearer | ({"Cookie": f"verbatim_guest={cookie}"} if cookie else {})
