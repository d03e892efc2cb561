"""The hub alone: `python -m bench.fanout.injected` serves as `manage.py serve` does; `/inject/` skips the store.

A text that is sent there becomes an event of the room `fan`, sealed and numbered as the store would have done it, and
goes to the bus of this process. What follows (opening, ordering, encoding, writing) is the product's own. It needs
DJANGO_SETTINGS_MODULE, and listens on PORT.
"""

import os
import socket
import tempfile
from pathlib import Path
from typing import Any

from commands.clock import now_ms
from commands.events import Cause, MessagePosted
from commands.message import new_id
from commands.sqlite import SQLiteStore
from commands.sqlite_vault import SQLiteVault
from commands.store import Recorded
from realtime.bus import LocalBus
from realtime.server import BACKLOG, run
from tests.realtime.world import World

ROOM = "fan"
AUTHOR = "guest:injected"


class Injecting(World):
    """A node whose events may also come from behind its store. It lives as long as its server."""

    _seq = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """The ASGI application."""
        if scope["type"] == "lifespan":
            await self.open()
            self._seq = (await self.say("open", ROOM, AUTHOR)).seq
            await super().__call__(scope, receive, send)
            await self.close()
        elif scope["path"] == "/inject/":
            await self._take(receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _take(self, receive: Any, send: Any) -> None:
        """One socket whose texts become events."""
        while (message := await receive())["type"] != "websocket.disconnect":
            if message["type"] == "websocket.connect":
                await send({"type": "websocket.accept"})
            elif text := message.get("text"):
                self._inject(text)

    def _inject(self, text: str) -> None:
        cause = Cause(AUTHOR, now_ms(), "injected")
        message_id = new_id()
        sealed = self._mapper.seal(
            ROOM, MessagePosted(**cause.stamp(), message_id=message_id, message=text, handle="injected")
        )
        self._seq += 1
        self.publish([Recorded(self._seq, ROOM, self._seq, sealed.topic, sealed.subject, sealed.state)])


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder)
        node = Injecting(SQLiteStore(files / "events.sqlite3"), SQLiteVault(files / "keys.sqlite3"), LocalBus())
        run(node, [socket.create_server(("127.0.0.1", int(os.environ["PORT"])), backlog=BACKLOG)])
