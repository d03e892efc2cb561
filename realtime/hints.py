"""The bytes in which committed events travel between processes: a form, who sent it, and the rows as MessagePack.

A form never changes; a new one gets another first byte, and is not understood by processes that do not know it yet:
to them it is a hint that was lost.
"""

import os
from collections.abc import Sequence

import msgspec

from commands.subscription import Recorded

FORM = b"\x01"
ORIGIN_BYTES = 8
HEAD_BYTES = len(FORM) + ORIGIN_BYTES

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Recorded])


class Hints:
    """Packs events, and tells its own packets from those of other processes."""

    def __init__(self) -> None:
        self._head = FORM + os.urandom(ORIGIN_BYTES)

    def pack(self, events: Sequence[Recorded]) -> bytes:
        """Events as one packet."""
        return self._head + _encoder.encode(events)

    def is_own(self, packet: bytes) -> bool:
        return packet.startswith(self._head)


def unpack(packet: bytes) -> list[Recorded]:
    """The events of a packet. Raises: ValueError for one that is broken, or of a form that is not known."""
    if not packet.startswith(FORM):
        raise ValueError(f"a packet of an unknown form: {packet[:1].hex()}")
    return _decoder.decode(memoryview(packet)[HEAD_BYTES:])
