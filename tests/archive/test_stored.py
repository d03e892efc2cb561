"""What a line tells, held against what it says is stored: every change of one of the two shows."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from archive.lines import Line, decode
from archive.stored import is_as_stored
from tests.archive.forging import Lines


def told(**changed: Any) -> Callable[[Line], Line]:
    """Another value stands where the line tells something."""
    return lambda line: msgspec.structs.replace(line, **changed)


def told_of_it(**changed: Any) -> Callable[[Line], Line]:
    """Another value stands in the data, or one more."""
    return lambda line: msgspec.structs.replace(line, data=line.data | changed)


def stored(**changed: Any) -> Callable[[Line], Line]:
    """Another value stands in what is stored, or one more."""
    return lambda line: msgspec.structs.replace(line, state=_encode(_state(line) | changed))


def stored_without(name: str) -> Callable[[Line], Line]:
    """A value is missing in what is stored."""
    return lambda line: msgspec.structs.replace(
        line, state=_encode({k: v for k, v in _state(line).items() if k != name})
    )


def _state(line: Line) -> dict[str, Any]:
    assert isinstance(line.state, bytes)
    state: dict[str, Any] = json.loads(line.state)
    return state


def _encode(state: dict[str, Any]) -> bytes:
    return json.dumps(state).encode()


CHANGES = [
    told(actor="guest:mallory"),
    told(request_id="another"),
    told(occurred_at="2026-11-22T00:00:00.000Z"),
    told(event="message.edited"),
    told(topic="message.edited"),
    told(state=b"{"),
    told(state=b"\xff"),
    told_of_it(message_id="another"),
    told_of_it(reply_to="another"),
    told_of_it(more="than there is"),
    stored(actor="guest:mallory"),
    stored(request_id="another"),
    stored(occurred_at=0),
    stored(occurred_at=2**62),
    stored(message_id="another"),
    stored(more="than there is"),
    stored_without("actor"),
    stored_without("request_id"),
    stored_without("occurred_at"),
    stored_without("message_id"),
]


async def test_every_line_of_an_export_tells_what_is_stored(exported: Lines) -> None:
    assert all(is_as_stored(decode(line)) for line in exported[1:-1])


@pytest.mark.parametrize("change", CHANGES)
async def test_a_line_that_tells_something_else_is_found(exported: Lines, change: Callable[[Line], Line]) -> None:
    line = next(each for each in map(decode, exported[1:-1]) if each.event == "message.posted")
    assert is_as_stored(stored()(line))
    assert not is_as_stored(change(line))


def test_a_ban_whose_end_is_another_is_found() -> None:
    data = {"person": "guest:eve", "until": "2026-11-22T12:00:00.000Z", "reason": ""}
    state = {"actor": "guest:ada", "occurred_at": 0, "request_id": "r", "person": "guest:eve", "sealed": ""}
    cause: dict[str, Any] = {"actor": "guest:ada", "occurred_at": "1970-01-01T00:00:00.000Z", "request_id": "r"}
    where: dict[str, Any] = {
        "stream": "general",
        "seq": 2,
        "subject": "member:guest:eve",
        "position": 2,
        "topic": "member.banned",
    }
    line = Line(event="member.banned", data=data, **cause, **where, state=_encode(state | {"until": 1_795_348_800_000}))
    assert is_as_stored(line)
    assert not is_as_stored(stored(until=1_795_348_800_001)(line))
