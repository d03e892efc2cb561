"""Clients that keep talking while the server is treated badly, and write down what they sent, were told and saw.

A message whose outcome is unknown is sent again under its name until somebody answers for it: that is the contract's
promise to clients, and what a history checks.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from commands.identity import Guests
from tests.acceptance.history import Acknowledged, CutOff, History, Resumed, Seen, Sent, Subscribed
from tests.cast import mint

LOST = (OSError, EOFError, WebSocketException, TimeoutError, httpx.TransportError)
PAGE = 300
ANSWER_S = 10.0
PAUSE_S = 0.02
MAX_PAUSE_S = 0.5
SENT_AWAY = 1001


class Unexpected(AssertionError):
    """The server answered something that it had no reason to."""


class Client:
    """Who talks: a guest with a token of the server's key, who has no message waiting for an answer at first.

    One thing is said in `pace_s` on average, whatever is answered. `troubles` counts what came instead of an answer,
    but for being asked to leave.
    """

    def __init__(
        self, name: str, port: int, secret_key: str, rooms: Sequence[str], history: History, pace_s: float = 0.0
    ) -> None:
        self.name = name
        self.address = f"127.0.0.1:{port}"
        self.rooms = rooms
        self.history = history
        self.stopping = False
        self.unanswered: dict[str, tuple[str, str]] = {}
        self.troubles: Counter[str] = Counter()
        identity, token = Guests(secret_key).welcome(name)
        self.person = identity.person
        self.headers = {"Authorization": f"Bearer {token}"}
        self._pace_s = pace_s
        self._pause_s = PAUSE_S
        self._random = random.Random(name)
        self._connections = 0
        self._is_cut_off = False
        self._told_to_wait_s = 0.0

    async def run(self) -> None:
        """Talk until `stopping`, and then until every message has its answer."""
        while not self.stopping or self.unanswered:
            self._connections += 1
            try:
                await self.talk(f"{self.name}/{self._connections}")
            except LOST as error:
                if not self._is_cut_off:
                    self._is_cut_off = True
                    self.history.add(CutOff(client=self.name))
                sent_away = isinstance(error, ConnectionClosed) and error.rcvd and error.rcvd.code == SENT_AWAY
                await self.back_off("" if sent_away else repr(error))

    async def talk(self, connection: str) -> None:
        """Talk over one connection until it is lost or everything is said."""
        raise NotImplementedError

    async def back_off(self, trouble: str) -> None:
        """Leave the server alone as long as it asked, else each time a little longer, until something works again."""
        if trouble:
            self.troubles[trouble] += 1
        await asyncio.sleep(self._told_to_wait_s or self._pause_s * self._random.uniform(0.5, 1))
        self._told_to_wait_s = 0.0
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)

    async def pace(self) -> None:
        """Let the time pass between two things to say."""
        await asyncio.sleep(self._pace_s * self._random.uniform(0.5, 1.5))

    def is_well(self) -> None:
        """Something works: the next trouble is a new one."""
        self._pause_s = PAUSE_S
        if self._is_cut_off:
            self._is_cut_off = False
            self.history.add(Resumed(client=self.name))

    async def receive(self, socket: ClientConnection) -> dict[str, Any]:
        """The next frame; one that sends us away is heeded. Raises: TimeoutError when none comes for long."""
        frame = await receive(socket)
        if frame["type"] == "disconnect":
            self._told_to_wait_s = frame["retry_after_ms"] / 1000
        return frame

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
        self.is_well()
        self.unanswered.pop(name, None)
        places = {place: answer[place] for place in ("room", "message_id", "seq", "position", "duplicate")}
        self.history.add(Acknowledged(connection=connection, person=self.person, client_msg_id=name, **places))

    def rest(self) -> httpx.AsyncClient:
        """A connection for requests."""
        base_url = f"http://{self.address}/api/v1/rooms"
        return httpx.AsyncClient(base_url=base_url, headers=self.headers, timeout=ANSWER_S)

    async def refused(self, answer: httpx.Response) -> None:
        """The answer is a problem: wait a little, if that helps. Raises: Unexpected."""
        problem = answer.json()
        if not problem["retryable"]:
            raise Unexpected(answer.text)
        await self.back_off(problem["code"])


class RestClient(Client):
    """Says one thing after the other over REST."""

    async def talk(self, connection: str) -> None:
        async with self.rest() as http:
            while not self.stopping or self.unanswered:
                if not self.unanswered:
                    await self.pace()
                    self.think()
                await self._post(http, connection, next(iter(self.unanswered)))

    async def _post(self, http: httpx.AsyncClient, connection: str, name: str) -> None:
        room, _ = self.unanswered[name]
        answer = await http.post(f"/{room}/messages", json=self.sent(connection, name))
        if answer.status_code in (200, 201):
            self.answered(connection, name, answer.json())
        else:
            await self.refused(answer)


class SocketClient(Client):
    """Says things over a socket, a few at a time, without waiting for each answer.

    The socket is now one of no room, now one of a room, whose home may be another process than the one that takes it.
    """

    in_flight = 4

    async def talk(self, connection: str) -> None:
        path = self._random.choice(["/chat/", f"/chat/{self._random.choice(self.rooms)}/"])
        async with open_socket(self.address, path, self.headers) as socket:
            for name in self.unanswered:
                await self._post(socket, connection, name)
            speaking = asyncio.create_task(self._speak(socket, connection))
            try:
                while not self.stopping or self.unanswered:
                    await self._hear(socket, connection)
            finally:
                speaking.cancel()

    async def _speak(self, socket: ClientConnection, connection: str) -> None:
        """Have something to say again and again. In the end, ask for a last frame: who listens may have all."""
        with suppress(*LOST):
            while not self.stopping:
                await self.pace()
                while len(self.unanswered) >= self.in_flight:
                    await asyncio.sleep(0.001)
                await self._post(socket, connection, self.think())
            await socket.send(json.dumps({"type": "ping"}))

    async def _post(self, socket: ClientConnection, connection: str, name: str) -> None:
        room, _ = self.unanswered[name]
        body = self.sent(connection, name)
        await socket.send(json.dumps({"type": "post", "id": name, "room": room, **body}))

    async def _hear(self, socket: ClientConnection, connection: str) -> None:
        frame = await self.receive(socket)
        if frame["type"] == "posted":
            self.answered(connection, frame["id"], frame)
        elif frame["type"] == "error":
            if not frame["retryable"]:
                raise Unexpected(str(frame))
            if "id" not in frame:
                raise EOFError(frame["code"])  # the room of the address cannot be had now
            await self.back_off(frame["code"])
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
                await self._hear(socket, await self.receive(socket))

    async def _hear(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["type"] == "error":
            raise EOFError(frame["code"])
        if frame["type"] == "caught_up":
            self.is_well()
            self._pages_from = self.seq
        if frame["type"] == "event":
            self._see(frame)
            if (self.seq - self._pages_from) % PAGE == 0:
                await socket.send(json.dumps({"type": "ack", "room": frame["room"], "seq": self.seq}))

    def _see(self, frame: dict[str, Any]) -> None:
        self.seq = frame["seq"]
        places = {place: frame[place] for place in ("room", "seq", "position")}
        said = {name: frame["data"].get(name) for name in ("message_id", "message")}
        self.history.add(Seen(watcher=self.name, **places, **said))


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
    """The next frame that is not fleeting. Raises: TimeoutError when none comes for long."""
    async with asyncio.timeout(ANSWER_S):
        while True:
            frame: dict[str, Any] = json.loads(await socket.recv())
            if frame["type"] not in ("presence", "typing"):
                return frame
