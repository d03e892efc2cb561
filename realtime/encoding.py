"""Events become bytes: one WebSocket text frame for each dialect, made once and written to every socket."""

import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
from msgspec import UNSET, structs

from commands.clock import rfc3339
from commands.events import MessagePosted, wire_name
from commands.subscription import Fact
from realtime.protocol import SUBPROTOCOL
from realtime.server_frames import CaughtUp, EventFrame, ServerFrame

log = logging.getLogger(__name__)

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_json = msgspec.json.Encoder()
_events = msgspec.json.Decoder(EventFrame)


class Dialect(NamedTuple):
    """What a socket speaks: how an event, and having caught up, are said in it; nothing if they are not said.

    `stub` makes of an event's frame the one that it has once its message is redacted.
    """

    name: str
    event: Callable[[Fact], bytes]
    stub: Callable[[bytes], bytes]
    caught_up: Callable[[str, int], bytes]


class ClassicFrame(msgspec.Struct, frozen=True):
    """A message in the guide's dialect, with `id` and `seq` beside what the guide sends."""

    handle: str
    message: str
    timestamp: str
    id: str
    seq: int


def event(fact: Fact, *, replay: bool = False) -> bytes:
    """An event in `verbatim.v1`, or one of a `replay`. One that readers may not see keeps its place, as a stub."""
    return text_frame(event_json(fact, replay=replay))


def event_json(fact: Fact, *, replay: bool = False) -> bytes:
    """What an event's frame says."""
    recorded, decided, stub = fact
    if decided is None:
        log.error("event %d of %s cannot be opened: readers get a stub", recorded.seq, recorded.stream)
    return _json.encode(
        EventFrame(
            room=recorded.stream,
            seq=recorded.seq,
            position=recorded.position,
            event=wire_name(recorded.topic),
            subject=recorded.subject,
            actor=decided.actor if decided else None,
            occurred_at=rfc3339(decided.occurred_at) if decided else None,
            data=decided.data if decided and not stub else {},
            stub=("hidden" if stub == "broken" else stub) if stub else UNSET,
            replay=True if replay else UNSET,
        )
    )


def message(fact: Fact) -> bytes:
    """A message in the guide's dialect; nothing for any other event."""
    recorded, said, stub = fact
    if stub or not isinstance(said, MessagePosted):
        return b""
    shown = for_display(said.occurred_at)
    return text_frame(_json.encode(ClassicFrame(said.handle, said.message, shown, said.message_id, recorded.seq)))


def for_display(unix_ms: int) -> str:
    """A time as the guide shows it: `Nov 22 9:43 AM`, in UTC."""
    moment = rfc3339(unix_ms)
    hour = int(moment[11:13])
    half = "AM" if hour < 12 else "PM"
    return f"{MONTHS[int(moment[5:7]) - 1]} {int(moment[8:10])} {hour % 12 or 12}:{moment[14:16]} {half}"


def encode(frame: ServerFrame) -> bytes:
    """The text frame of one of our own frames."""
    return text_frame(_json.encode(frame))


def text_frame(payload: bytes) -> bytes:
    """A WebSocket text frame as a server sends it: whole, unmasked (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return b"\x81" + size.to_bytes(1) + payload
    if size < 65536:
        return b"\x81\x7e" + size.to_bytes(2) + payload
    return b"\x81\x7f" + size.to_bytes(8) + payload


def payloads(frames: bytes) -> Iterable[bytes]:
    """The texts of whole text frames, for servers that want to make the frames themselves."""
    start = 0
    while start < len(frames):
        size, start = frames[start + 1], start + 2
        width = {126: 2, 127: 8}.get(size, 0)
        size = int.from_bytes(frames[start : start + width]) if width else size
        yield frames[start + width : start + width + size]
        start += width + size


def _caught_up(room: str, seq: int) -> bytes:
    return encode(CaughtUp(room=room, seq=seq))


def _nothing(_room: str, _seq: int) -> bytes:
    return b""


def _redacted(frame: bytes) -> bytes:
    (payload,) = payloads(frame)
    return encode(structs.replace(_events.decode(payload), data={}, stub="redacted"))


def _unsaid(_frame: bytes) -> bytes:
    return b""


VERBATIM = Dialect(SUBPROTOCOL, event, _redacted, _caught_up)
CLASSIC = Dialect("classic", message, _unsaid, _nothing)
