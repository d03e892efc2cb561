"""One connection to a Redis server: bytes out, bounded; messages and replies in, read by hiredis.

Under RESP3 one connection both publishes and subscribes. Replies are told apart by their type alone, so that nothing
has to be remembered of what was asked: SPUBLISH answers a number, HELLO a map, CLUSTER SLOTS a list, PING bytes.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

import hiredis
from hiredis import PushNotification

log = logging.getLogger(__name__)

MAX_UNSENT = 1024 * 1024
"""Bytes. Beyond it nothing more is written until the server has read on."""
_INCOMPLETE = object()


def pack(*words: bytes | str) -> bytes:
    """A command in bytes. hiredis can do it, but takes longer over it."""
    packed = [b"*%d\r\n" % len(words)]
    for word in words:
        value = word.encode() if isinstance(word, str) else word
        packed.append(b"$%d\r\n%b\r\n" % (len(value), value))
    return b"".join(packed)


class Connection(asyncio.Protocol):
    """`on_messages` gets all `[smessage, channel, payload]` of one read together, `on_reply` every other reply.

    `heard`: something came since this was last set to False. `lost` is done when the connection has ended.
    """

    def __init__(self, on_messages: Callable[[list[list[bytes]]], None], on_reply: Callable[[Any], None]) -> None:
        self.heard = False
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._full = False
        self._on_messages = on_messages
        self._on_reply = on_reply
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._transport: asyncio.Transport

    @property
    def takes_writes(self) -> bool:
        """False when it is closed, or more than MAX_UNSENT is unsent."""
        return not self._full and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=MAX_UNSENT)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, for whatever reason."""
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False

    def data_received(self, data: bytes) -> None:
        """Hand on whatever is complete."""
        self.heard = True
        messages: list[list[bytes]] = []
        try:
            self._read(data, messages)
        except hiredis.ProtocolError as error:
            log.error("what a Redis server sent is not RESP: %s", error)  # noqa: TRY400 - where it was found says nothing
            self.abort()
        if messages:
            self._on_messages(messages)

    def write(self, commands: bytes) -> bool:
        """Send packed commands; answers whether they were taken."""
        if not self.takes_writes:
            return False
        self._transport.write(commands)
        return True

    def close(self) -> None:
        """Close after what was written."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _read(self, data: bytes, messages: list[list[bytes]]) -> None:
        self._reader.feed(data)
        gets = self._reader.gets
        while (reply := gets()) is not _INCOMPLETE:
            kind = type(reply)
            if kind is PushNotification and reply[0] == b"smessage":
                messages.append(reply)
            elif kind is not int:
                self._on_reply(reply)
