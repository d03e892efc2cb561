"""The lines of an NDJSON export: the header, and an event's content followed by its evidence. Pure.

The content is what was decided, and the same on every server that has it. The evidence is how one server stored it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec import UNSET, UnsetType

from archive.part import Part
from commands.clock import from_rfc3339, rfc3339
from commands.events import TOPICS, Event, wire_name
from commands.subscription import Fact
from projections.walk import Place

FORMAT = "verbatim.export"
VERSION = 1
TIMES = ("until",)
"""What of an event's data is a time: in the file as RFC 3339, in the event in Unix milliseconds."""
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a decoder raises for bytes that are not what they should be; the last one for brackets within brackets."""
_EVIDENCE = b',"position":'
_CHECK_BYTES = 20


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line. `room` is null in an export of everything, `as_of` (a seq, or a time) in one of all there is.

    `view` says for whom it was made: `auditor` or `reader`.
    """

    format: str
    version: int
    view: str
    room: str | None
    as_of: int | str | None
    exported_at: str


class Content(msgspec.Struct, frozen=True, gc=False):
    """What was decided. `request_id`, `address` and `client` are for auditors."""

    stream: str
    seq: int
    event: str
    subject: str
    actor: str | None
    occurred_at: str | None
    data: dict[str, Any]
    stub: str | UnsetType = UNSET
    request_id: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    client: str | UnsetType = UNSET


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """How it was stored, and its place in the tree; but for `position`, for auditors. `state` is sealed (base64)."""

    position: int
    topic: str | UnsetType = UNSET
    state: bytes | UnsetType = UNSET
    leaf: int | UnsetType = UNSET
    gap: Sequence[bytes] | UnsetType = UNSET


class Line(Content, frozen=True, kw_only=True, gc=False):
    """An event as it is read: content and evidence."""

    position: int
    topic: str | UnsetType = UNSET
    state: bytes | UnsetType = UNSET
    leaf: int | UnsetType = UNSET
    gap: Sequence[bytes] | UnsetType = UNSET


class Written(NamedTuple):
    """An event's line, and its content alone."""

    line: bytes
    content: bytes


_encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Line).decode
decode_header = msgspec.json.Decoder(Header).decode


def header(part: Part) -> bytes:
    """The first line."""
    made = rfc3339(part.exported_at)
    return _encode(
        Header(format=FORMAT, version=VERSION, view=part.view, room=part.room, as_of=part.moment, exported_at=made)
    )


def for_reader(fact: Fact) -> Written:
    """An event as readers may see it: a stub says nothing."""
    event = fact.event
    data = event.data if event and not fact.stub else {}
    return _written(_content(fact, data), Evidence(fact.recorded.position))


def for_auditor(fact: Fact, place: Place | None = None) -> Written:
    """An event with all that is known of it, how it is stored, and its place in the tree."""
    recorded, event, stub = fact
    if event is None:
        content = _content(fact, {})
    else:
        content = _content(fact, _left(event, stub), event.request_id, event.address, event.client)
    leaf, gap = place or (UNSET, ())
    return _written(content, Evidence(recorded.position, recorded.topic, recorded.state, leaf, gap or UNSET))


def content_of(line: bytes) -> bytes:
    """What of an event's line is the same on every server that has the event."""
    return line[: line.rindex(_EVIDENCE)] + b"}"


def with_check(line: bytes) -> bytes:
    """The line with a checksum at its end (CRC-32), by which a change is found where it is."""
    said = line[:-1]
    return said + _check(said)


def is_whole(line: bytes) -> bool:
    """Whether the line is as it was written, for all that its own checksum says."""
    return line[-_CHECK_BYTES:] == _check(line[:-_CHECK_BYTES])


def _check(said: bytes) -> bytes:
    """The end of a line that says this."""
    return b',"check":"%08x"}' % crc32(said)


def event_of(line: Line) -> Event:
    """The event that a line tells. What is not told, since its person was erased, is empty.

    Raises: ValueError when it is none.
    """
    try:
        kind = _named(line.event)
        times = {name: from_rfc3339(line.data[name]) for name in TIMES if line.data.get(name) is not None}
        fields = dict.fromkeys(kind.SEALED, "") | line.data | times
        fields |= {"actor": line.actor, "occurred_at": from_rfc3339(line.occurred_at or ""), **_origin(line)}
        event = msgspec.convert(fields, kind)
    except KeyError:
        raise ValueError(f"there is no event called {line.event}") from None
    except (TypeError, msgspec.ValidationError) as error:
        raise ValueError(str(error)) from None
    if event.subject != line.subject:
        raise ValueError(f"it is not about {line.subject}, but about {event.subject}")
    return event


def _named(name: str) -> type[Event]:
    """The newest form of an event, by the name that clients know. Raises: KeyError."""
    return TOPICS.get(name) or next(TOPICS[topic] for topic in [*TOPICS, name] if wire_name(topic) == name)


def _content(fact: Fact, data: dict[str, Any], *origin: str) -> Content:
    recorded, event, stub = fact
    return Content(
        recorded.stream,
        recorded.seq,
        wire_name(recorded.topic),
        recorded.subject,
        event.actor if event else None,
        rfc3339(event.occurred_at) if event else None,
        data,
        ("hidden" if stub == "broken" else stub) if stub else UNSET,
        *origin,
    )


def _written(content: Content, evidence: Evidence) -> Written:
    said = _encode(content)
    return Written(with_check(b"%b,%b" % (said[:-1], _encode(evidence)[1:])), said)


def _left(event: Event, stub: str) -> dict[str, Any]:
    """What is left of an event's data: of somebody who was erased, nothing that was personal."""
    if stub != "erased":
        return event.data
    return {name: value for name, value in event.data.items() if name not in event.SEALED}


def _origin(line: Line) -> dict[str, str]:
    """Where the event came from; nothing where readers are not told."""
    said = {"request_id": line.request_id, "address": line.address, "client": line.client}
    return {name: "" if isinstance(value, UnsetType) else value for name, value in said.items()}
