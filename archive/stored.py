"""Whether what a line tells is what it says is stored, so far as that is not sealed. Pure."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec

from archive.lines import TIMES, UNREADABLE, Line
from commands.clock import rfc3339
from commands.days import LONG_OVER, begin_of
from commands.events import TOPICS, UPCASTERS, Event, wire_name

_CAUSE = ("actor", "occurred_at", "request_id")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class _Form(NamedTuple):
    """How events of a topic are told: what of their data is `plain` and what a time, and all that may be there.

    `decode` reads what is stored if nothing else is there; `values` are its actor, its request, and what is plain.
    """

    name: str
    plain: tuple[str, ...]
    times: tuple[str, ...]
    told: frozenset[str]
    decode: Callable[[bytes], Any]
    values: Callable[[Any], tuple[Any, ...]]

    @classmethod
    def of(cls, topic: str, kind: type[Event]) -> "_Form":
        """The form of a topic's events."""
        kept = [name for name in kind.__struct_fields__ if name not in kind.SEALED and name not in _CAUSE]
        plain, times = (tuple(name for name in kept if (name in TIMES) == is_time) for is_time in (False, True))
        fields = [(name, Any, None) for name in (*_CAUSE, *kept, "sealed", "day")]
        stored = msgspec.defstruct("Stored", fields, forbid_unknown_fields=True, gc=False)
        values = attrgetter("actor", "request_id", *plain)
        return cls(wire_name(topic), plain, times, frozenset(kind.DATA), msgspec.json.Decoder(stored).decode, values)


_FORMS = {topic: _Form.of(topic, kind) for topic, kind in TOPICS.items()}


def is_as_stored(line: Line) -> bool:
    """Whether a line tells what is stored, if it says what that is, and could be opened."""
    if not (isinstance(line.topic, str) and isinstance(line.state, bytes)) or line.stub == "hidden":
        return True
    form = _FORMS.get(line.topic)
    if form is None:
        return line.topic in UPCASTERS and wire_name(line.topic) == line.event
    try:
        stored = form.decode(line.state)
    except UNREADABLE:
        return False
    told = line.data
    return (
        form.name == line.event
        and (line.actor, line.request_id, *map(told.get, form.plain)) == form.values(stored)
        and line.occurred_at == _time(stored.occurred_at)
        and (not form.times or all(told.get(name) == _time(getattr(stored, name)) for name in form.times))
        and form.told.issuperset(told)
    )


def day_of_line(line: Line) -> str:
    """The day with whose key what is stored was sealed as well, if it was. Raises: ValueError when it is none."""
    if not isinstance(line.state, bytes) or b'"day":' not in line.state:
        return ""
    try:
        day = _decode(line.state).get("day", "")
    except UNREADABLE:
        raise ValueError("what is stored cannot be read") from None
    if day not in ("", LONG_OVER):
        begin_of(str(day))
    return str(day)


def _time(stored: object) -> object:
    """A time as a line tells it."""
    try:
        return rfc3339(stored) if type(stored) is int else stored
    except OverflowError:
        return stored
