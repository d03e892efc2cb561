"""A member of a room: one socket that posts, and what all of them hear."""

import asyncio
from collections.abc import Sequence

from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.shapes.dialect import FRAME_END, LOOPBACK, Dialect, now_us, read, text

AT_ONCE = 20
CONNECT_S = 30.0
ERROR = b'"type":"error"'
READY = b'"type":"caught_up"'
POSTED = b'"type":"posted"'


class Heard:
    """What came back to the members: acknowledgements (one's own message) and deliveries, with their delays in µs."""

    def __init__(self) -> None:
        self.acks: list[int] = []
        self.deliveries: list[int] = []
        self.refused = 0
        self.gone = 0

    def forget(self) -> None:
        """Begin a new count."""
        self.acks = []
        self.deliveries = []

    def ack(self, member: "Member", sent_us: int) -> None:
        """A member's own message came back to it."""
        self.acks.append(now_us() - sent_us)

    def delivery(self, sent_us: int) -> None:
        """Somebody else's message came to a member."""
        self.deliveries.append(now_us() - sent_us)

    def refusal(self, member: "Member") -> None:
        """A member's message was refused."""
        self.refused += 1


class Member(WSListener):
    """One socket in a room."""

    listens = True

    def __init__(self, number: int, room: str, heard: Heard) -> None:
        self.number = number
        self.room = room
        self.in_flight_us = 0
        self._heard = heard
        self._frame_start = b""
        self._transport: WSTransport | None = None
        self._ready = asyncio.Event()

    async def connect(self, dialect: Dialect, port: int) -> None:
        """Enter the room, and wait until the server says that everything said there is heard, if it says so."""
        address = f"{LOOPBACK}:{port}"
        self._frame_start = dialect.frame_start(self.room, self.number)
        self._transport, _ = await ws_connect(
            lambda: self,
            f"ws://{address}{self._path(dialect)}",
            extra_headers={**dialect.headers, "Origin": f"http://{address}"},
            websocket_handshake_timeout=CONNECT_S,
        )
        if dialect.says_ready and self.listens:
            async with asyncio.timeout(CONNECT_S):
                await self._ready.wait()

    def _path(self, dialect: Dialect) -> str:
        return dialect.socket.format(room=self.room)

    def post(self, at_us: int) -> None:
        """Post a message that was to be sent at this time."""
        self.in_flight_us = at_us
        assert self._transport
        self._transport.send(WSMsgType.TEXT, self._frame_start + text(at_us, self.number) + FRAME_END)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Tell whose message came."""
        payload = frame.get_payload_as_bytes()
        message = read(payload)
        if not message:
            self._answer(payload)
        elif message[1] == self.number:
            self._heard.ack(self, message[0])
        else:
            self._heard.delivery(message[0])

    def _answer(self, payload: bytes) -> None:
        if ERROR in payload:
            self._heard.refusal(self)
        elif READY in payload:
            self._ready.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Note that the server let go of us."""
        self._heard.gone += 1


class Outsider(Member):
    """One socket that posts into a room and does not listen to it: what acknowledges is the frame that says so."""

    listens = False

    def _path(self, dialect: Dialect) -> str:
        return dialect.elsewhere

    def _answer(self, payload: bytes) -> None:
        if POSTED in payload:
            self._heard.ack(self, self.in_flight_us)
        else:
            super()._answer(payload)


async def connect_all(members: Sequence[Member], dialect: Dialect, port: int) -> None:
    """Let everybody enter, a few at a time."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def connect(member: Member) -> None:
        async with turn:
            await member.connect(dialect, port)

    await asyncio.gather(*map(connect, members))
