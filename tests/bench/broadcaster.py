"""A small WebSocket server that sends everybody what one of them sends, and can be told to do that wrong."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

type Way = Callable[[Sequence[ServerConnection], str], Awaitable[None]]
"""How one message is sent to all."""


@asynccontextmanager
async def broadcasting(way: Way) -> AsyncIterator[int]:
    """Serve on a port of its own, which is answered."""
    members: list[ServerConnection] = []

    async def take(connection: ServerConnection) -> None:
        members.append(connection)
        with suppress(ConnectionClosed):
            async for text in connection:
                await way(members, str(text))

    async with serve(take, "127.0.0.1", 0, compression=None) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        yield port


async def honestly(members: Sequence[ServerConnection], text: str) -> None:
    broadcast(members, text)


async def with_acknowledgements(members: Sequence[ServerConnection], text: str) -> None:
    await honestly(members, text)
    await members[0].send(json.dumps({"type": "posted", "id": json.loads(text)["id"]}, separators=(",", ":")))


def number(text: str) -> int:
    """Which message this is; every one says so behind the time at which it was due."""
    return int(text.partition("bench:")[2].split(":")[1])


async def losing(members: Sequence[ServerConnection], text: str) -> None:
    """The last one does not get the fourth message."""
    await honestly(members[:-1] if number(text) == 3 else members, text)


async def doubling(members: Sequence[ServerConnection], text: str) -> None:
    """The last one gets the fourth message twice."""
    await honestly(members, text)
    if number(text) == 3:
        await honestly(members[-1:], text)


def swapping() -> Way:
    """The last one gets the fifth message before the fourth."""
    kept: list[str] = []

    async def send(members: Sequence[ServerConnection], text: str) -> None:
        await honestly(members[:-1], text)
        if number(text) == 3:
            kept.append(text)
            return
        await members[-1].send(text)
        while kept:
            await members[-1].send(kept.pop())

    return send


async def refusing(members: Sequence[ServerConnection], text: str) -> None:
    """The fourth message goes to nobody, and its sender is told."""
    if number(text) == 3:
        await members[0].send('{"type":"error","code":"overloaded"}')
    else:
        await honestly(members, text)


async def hanging_up(members: Sequence[ServerConnection], text: str) -> None:
    """The last one is sent away with the fourth message."""
    await honestly(members, text)
    if number(text) == 3:
        await members[-1].close(4008)
