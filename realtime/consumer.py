"""The life of a connection, under Channels: handshake, frames, end."""

import asyncio
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.conf import settings

from commands.errors import Unauthenticated
from realtime import outlet
from realtime.admission import may_connect
from realtime.classic import Classic
from realtime.close_codes import CloseCode
from realtime.conversation import Conversation
from realtime.hubs import Hubs
from realtime.outlet import EXTENSION, Outlet, Socket
from realtime.protocol import SUBPROTOCOL
from realtime.relay import Relay
from realtime.session import Session, Visitor

MAX_CLIENT_CHARS = 200
FRAMES_IN_A_TURN = 32
"""After so many frames that were waiting already, others get their turn."""


class SocketConsumer(AsyncConsumer):
    """One socket. No channel layer and no database stand behind it: Channels' clean-up for them is left out."""

    session: Session | None = None
    _relay: Relay | None = None
    _counted = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle what comes, one after the other, until the socket is gone."""
        self.scope = scope
        self.base_send = send
        handled = 0
        try:
            while True:
                await self.dispatch(await receive())
                handled += 1
                if handled % FRAMES_IN_A_TURN == 0:
                    await asyncio.sleep(0)
        except StopConsumer:
            pass
        finally:
            self._leave()

    async def dispatch(self, message: Any) -> None:
        """Hand a message to its method, without the thread hop that Channels makes for Django's connections."""
        match message["type"]:
            case "websocket.receive":
                await self.websocket_receive(message)
            case "websocket.connect":
                await self.websocket_connect()
            case "websocket.disconnect":
                raise StopConsumer
            case outlet.SHUTDOWN:
                await self._finish()

    async def websocket_connect(self) -> None:
        """Let the client in, or close with the reason. A page of somebody else is refused in the handshake: 403."""
        guests = self.scope["state"]["guests"]
        trusted = True
        try:
            identity, how = guests.find(self.scope["headers"])
        except Unauthenticated:
            trusted, identity, how = False, None, "bearer"
        if not may_connect(self.scope, with_token=how == "bearer"):
            await self.send({"type": "websocket.close"})
            raise StopConsumer
        protocols = [name for name in self.scope["subprotocols"] if name]
        protocol = SUBPROTOCOL if SUBPROTOCOL in protocols else next(iter(protocols), None)
        await self.send({"type": "websocket.accept", "subprotocol": protocol})
        identity, token = (identity, None) if identity else guests.welcome()
        address = (self.scope.get("client") or ("", 0))[0]
        self.session = self._make_session(protocol, Visitor(identity, token, address, self._client()))
        await self._begin(self.session, protocol, trusted=trusted)

    async def websocket_receive(self, message: Any) -> None:
        """Hand a frame to the session."""
        if self.session and not self.session.ended:
            await self.session.receive(message.get("text"))

    async def _finish(self) -> None:
        """The server goes away, and everything that it read from this socket was handled."""
        if self.session:
            await self.session.finish()

    def _client(self) -> str:
        """What the client calls itself."""
        named = next((value for name, value in self.scope["headers"] if name == b"user-agent"), b"")
        return named.decode("latin-1")[:MAX_CLIENT_CHARS]

    def _make_session(self, protocol: str | None, visitor: Visitor) -> Session:
        state = self.scope["state"]
        hubs: Hubs = state["hubs"]
        offered: Any = self.scope.get("extensions") or {}
        socket: Socket | None = offered.get(EXTENSION)
        if socket is None:
            socket = self._relay = Relay(self.base_send)
        speak = Conversation if protocol == SUBPROTOCOL else Classic
        session = speak(visitor, Outlet(socket, hubs.turn), state["handlers"], hubs)
        hubs.sessions.add(session)
        hubs.tally.sockets[session.dialect.name] += 1
        return session

    async def _begin(self, session: Session, protocol: str | None, *, trusted: bool) -> None:
        """Greet, and open the room of the address; or end what cannot begin."""
        room = self.scope["url_route"]["kwargs"].get("room")
        if reason := self._find_reason_to_end(session.visitor, protocol, room, trusted=trusted):
            code, retry_after_s = reason
            session.end(code, int(retry_after_s * 1000))
            return
        session.welcome()
        if room is not None:
            await session.open(room)

    def _find_reason_to_end(
        self, visitor: Visitor, protocol: str | None, room: str | None, *, trusted: bool
    ) -> tuple[CloseCode, float] | None:
        """Why this socket cannot be used, and for how many seconds to stay away."""
        if protocol not in (None, SUBPROTOCOL):
            return CloseCode.UNKNOWN_PROTOCOL, 0
        person = visitor.identity.person
        if not trusted or (settings.GUESTS == "off" and person.startswith("guest:")):
            return CloseCode.NOT_SIGNED_IN, 0
        if protocol is None and room is None:
            return CloseCode.BAD_REQUEST, 0
        refused = self._hubs.admission.enter(person, visitor.address)
        self._counted = refused is None
        return refused

    @property
    def _hubs(self) -> Hubs:
        hubs: Hubs = self.scope["state"]["hubs"]
        return hubs

    def _leave(self) -> None:
        """The socket is gone: forget it everywhere."""
        if self._relay:
            self._relay.stop()
        if not self.session:
            return
        self.session.leave()
        self.session.outlet.fail()
        self._hubs.sessions.discard(self.session)
        self._hubs.tally.sockets[self.session.dialect.name] -= 1
        if self._counted:
            visitor = self.session.visitor
            self._hubs.admission.leave(visitor.identity.person, visitor.address)
