"""Clients that keep talking while the server is treated badly, and write down what they sent, were told and saw.

A message whose outcome is unknown is sent again under its name until somebody answers for it: that is the contract's
promise to clients, and what a history checks.
"""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from commands.identity import Guests
from commands.message import mint
from tests.acceptance.history import Acknowledged, History, Seen, Sent, Subscribed

LOST = (OSError, EOFError, WebSocketException, TimeoutError, httpx.TransportError)
PAGE = 300
ANSWER_S = 10.0
PAUSE_S = 0.02


class Unexpected(AssertionError):
    """The server answered something that it had no reason to."""


class Client:
    """Who talks: a guest with a token of the server's key, who has no message waiting for an answer at first."""

    def __init__(self, name: str, port: int, secret_key: str, rooms: Sequence[str], history: History) -> None:
        self.name = name
        self.address = f"127.0.0.1:{port}"
        self.rooms = rooms
        self.history = history
        self.stopping = False
        self.unanswered: dict[str, tuple[str, str]] = {}
        identity, token = Guests(secret_key).welcome(name)
        self.person = identity.person
        self.headers = {"Authorization": f"Bearer {token}"}
        self._random = random.Random(name)
        self._connections = 0

    async def run(self) -> None:
        """Talk until `stopping`, and then until every message has its answer."""
        while not self.stopping or self.unanswered:
            self._connections += 1
            try:
                await self.talk(f"{self.name}/{self._connections}")
            except LOST:
                await asyncio.sleep(PAUSE_S)

    async def talk(self, connection: str) -> None:
        """Talk over one connection until it is lost or everything is said."""
        raise NotImplementedError

    def think(self) -> str:
        """Have one more message to say; answers its name."""
        name = mint() if self._random.random() < 0.8 else f"{self.name}-{self._random.getrandbits(64):x}"
        self.unanswered[name] = (self._random.choice(self.rooms), f"{name} says {self.name}")
        return name

    def sent(self, connection: str, name: str) -> dict[str, str]:
        """The body of a message, written down as sent."""
        room, message = self.unanswered[name]
        self.history.add(
            Sent(connection=connection, person=self.person, room=room, client_msg_id=name, message=message)
        )
        return {"message": message, "client_msg_id": name}

    def answered(self, connection: str, name: str, answer: dict[str, Any]) -> None:
        """Write down an acknowledgement. A second one for the same message is a fault that the checker must see."""
        self.unanswered.pop(name, None)
        places = {place: answer[place] for place in ("room", "message_id", "seq", "position", "duplicate")}
        self.history.add(Acknowledged(connection=connection, person=self.person, client_msg_id=name, **places))


class RestClient(Client):
    """Says one thing after the other over REST."""

    async def talk(self, connection: str) -> None:
        async with httpx.AsyncClient(base_url=f"http://{self.address}", headers=self.headers, timeout=ANSWER_S) as http:
            while not self.stopping or self.unanswered:
                name = next(iter(self.unanswered), None) or self.think()
                await self._post(http, connection, name)

    async def _post(self, http: httpx.AsyncClient, connection: str, name: str) -> None:
        room, _ = self.unanswered[name]
        answer = await http.post(f"/api/v1/rooms/{room}/messages", json=self.sent(connection, name))
        if answer.status_code in (200, 201):
            self.answered(connection, name, answer.json())
        elif not answer.json()["retryable"]:
            raise Unexpected(answer.text)
        else:
            await asyncio.sleep(PAUSE_S)


class SocketClient(Client):
    """Says things over a socket, a few at a time, without waiting for each answer."""

    in_flight = 4

    async def talk(self, connection: str) -> None:
        async with open_socket(self.address, "/chat/", self.headers) as socket:
            for name in self.unanswered:
                await self._post(socket, connection, name)
            while not self.stopping or self.unanswered:
                while not self.stopping and len(self.unanswered) < self.in_flight:
                    await self._post(socket, connection, self.think())
                await self._hear(socket, connection)

    async def _post(self, socket: ClientConnection, connection: str, name: str) -> None:
        room, _ = self.unanswered[name]
        body = self.sent(connection, name)
        await socket.send(json.dumps({"type": "post", "id": name, "room": room, **body}))

    async def _hear(self, socket: ClientConnection, connection: str) -> None:
        frame = await receive(socket)
        if frame["type"] == "posted":
            self.answered(connection, frame["id"], frame)
        elif frame["type"] == "error":
            if not frame["retryable"]:
                raise Unexpected(str(frame))
            await asyncio.sleep(PAUSE_S)
            await self._post(socket, connection, frame["id"])


class Watcher(Client):
    """Says nothing, and hears everything in one room from its first event on, however often it is cut off."""

    seq = 0
    _pages_from = 0

    async def talk(self, connection: str) -> None:
        [room] = self.rooms
        async with open_socket(self.address, "/chat/", self.headers) as socket:
            await socket.send(json.dumps({"type": "subscribe", "room": room, "after": self.seq}))
            self.history.add(Subscribed(watcher=self.name, room=room, after=self.seq))
            self._pages_from = self.seq
            while not self.stopping:
                await self._hear(socket, await receive(socket))

    async def _hear(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "error":
            raise EOFError(frame["code"])
        if frame["type"] == "caught_up":
            self._pages_from = self.seq
        if frame["type"] == "event":
            self._see(frame)
            if (self.seq - self._pages_from) % PAGE == 0:
                await socket.send(json.dumps({"type": "ack", "room": frame["room"], "seq": self.seq}))

    def _see(self, frame: dict[str, Any]) -> None:
        self.seq = frame["seq"]
        places = {place: frame[place] for place in ("room", "seq", "position")}
        self.history.add(Seen(watcher=self.name, message_id=frame["data"].get("message_id"), **places))


def open_socket(address: str, path: str, headers: dict[str, str]) -> connect:
    """A socket that speaks `verbatim.v1`."""
    return connect(
        f"ws://{address}{path}",
        subprotocols=[Subprotocol("verbatim.v1")],
        additional_headers=headers,
        compression=None,
        proxy=None,
        open_timeout=ANSWER_S,
        close_timeout=0.2,
    )


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """The next frame. Raises: TimeoutError when none comes for long."""
    async with asyncio.timeout(ANSWER_S):
        frame: dict[str, Any] = json.loads(await socket.recv())
    return frame
