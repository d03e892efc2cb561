"""The addresses of sockets: `/chat/`, and `/chat/<label>/`, which is subscribed to its room from the start."""

from typing import Any

from channels.routing import URLRouter
from django.urls import re_path

from realtime.consumer import SocketConsumer
from realtime.protocol import ROOM_PATH


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """There is no socket at this address: 404 in the handshake, or 403 where the server can say nothing else."""
    await receive()
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"There is no socket at this address.\n"})
    else:
        await send({"type": "websocket.close"})


def at(pattern: str, app: Any) -> Any:
    """An ASGI application at an address; Django's types know views only."""
    return re_path(pattern, app)


websockets = URLRouter(
    [
        at(r"^chat/$", SocketConsumer.as_asgi()),
        at(ROOM_PATH.pattern, SocketConsumer.as_asgi()),
        at(r"", refuse),
    ]
)
