"""A client's text becomes a frame, or the refusal that says what is wrong with it.

What is right is decoded in one step. What is not is read again, slowly, to name the field that is wrong.
"""

import json
import re
from typing import Any

import msgspec

from commands.errors import BadJson, BadRequest, InvalidField, Refusal
from realtime.client_frames import (
    CLIENT_FRAMES,
    Ack,
    ClientFrame,
    Edit,
    Pause,
    Ping,
    Post,
    React,
    Read,
    Redact,
    Replay,
    Resume,
    Seek,
    Stop,
    Subscribe,
    Typing,
    Unreact,
    Unsubscribe,
)
from realtime.protocol import MAX_NESTING, FrameId

type Frame = (
    Subscribe | Unsubscribe | Ack | Post | Edit | Redact | React | Unreact
    | Typing | Read | Replay | Pause | Resume | Seek | Stop | Ping
)  # fmt: skip

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame.__value__)
_TYPES: dict[object, type[ClientFrame]] = {frame.__struct_config__.tag: frame for frame in CLIENT_FRAMES}
# Possessive, and content with a string that never ends: a frame of nothing but quotes costs no more than any other.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)


class Malformed(Exception):
    """The text is no frame at all: not JSON, or not an object. `refusal` is what to answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class BadFrame(Exception):
    """An object that is not one of our frames. `refusal` is what to answer, under the frame's `id` if it has one."""

    def __init__(self, refusal: Refusal, id: str | int | None = None) -> None:  # noqa: A002 - the frame's field
        super().__init__(refusal.detail)
        self.refusal = refusal
        self.id = id


def decode(text: str) -> Frame:
    """The frame in a client's text. Raises: Malformed, BadFrame."""
    if text.count("{") + text.count("[") > MAX_NESTING:
        _check_nesting(text)
    try:
        frame = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return _read_slowly(text)
    return frame


def _check_nesting(text: str) -> None:
    """Raises: BadFrame for objects and lists nested deeper than is allowed."""
    depth = 0
    for bracket in re.findall(r"[\[\]{}]", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_NESTING:
            raise BadFrame(BadRequest(f"The JSON is nested deeper than {MAX_NESTING} levels."))


def _read_slowly(text: str) -> Frame:
    try:
        fields = json.loads(text, parse_constant=_refuse_constant, parse_int=_read_int)
    except (ValueError, RecursionError):
        raise Malformed(BadJson("The frame is not valid JSON.")) from None
    if not isinstance(fields, dict):
        raise Malformed(BadRequest("A frame is a JSON object."))
    return _frame_of(fields)


def _frame_of(fields: dict[str, Any]) -> Frame:
    """Check field by field, so that the answer can name the one that is wrong."""
    frame_id = _readable_id(fields.get("id"))
    frame = _TYPES.get(name) if isinstance(name := fields.get("type"), str) else None
    if frame is None:
        raise BadFrame(BadRequest("A frame needs a `type` that is known here."), frame_id)
    known: dict[str, Any] = {}
    for field in msgspec.structs.fields(frame):
        if field.encode_name in fields:
            known[field.name] = _check_field(field, fields[field.encode_name], frame_id)
        elif field.required:
            raise BadFrame(InvalidField.of(field.encode_name, "is missing"), frame_id)
    return frame(**known)  # type: ignore[return-value]  # the union's members are what CLIENT_FRAMES lists


def _check_field(field: msgspec.structs.FieldInfo, value: Any, frame_id: str | int | None) -> Any:
    try:
        if isinstance(value, str):
            value.encode()
        return msgspec.convert(value, field.type)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise BadFrame(InvalidField.of(field.encode_name, f"must be {_describe(field.type)}"), frame_id) from None


def _describe(wanted: Any) -> str:
    """The description that protocol.py gives a field's type."""
    info = msgspec.inspect.multi_type_info([wanted])[0]
    members = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return next(
        str(member.extra_json_schema["description"])
        for member in members
        if isinstance(member, msgspec.inspect.Metadata) and member.extra_json_schema
    )


def _readable_id(value: object) -> str | int | None:
    """The frame's id, if it is one that can be repeated."""
    try:
        found: str | int | None = msgspec.convert(value, FrameId | None)
        msgspec.json.encode(found)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _read_int(digits: str) -> int | float:
    """An integer; one that no field can hold is as good as infinite, and Python refuses to read thousands of digits."""
    return int(digits) if len(digits) <= 20 else float("inf")
