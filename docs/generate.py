"""Writes docs/events.md and docs/protocol.md from the code: `python -m docs.generate` (or `make docs`).

A test compares the pages with what this makes of the code, so that they cannot go stale.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from commands import errors, events, people
from realtime import client_frames, close_codes, protocol, server_frames

HERE = Path(__file__).parent
NAMES = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null", Any: "any"}
WRITTEN = "*Written by `make docs` from `{source}`: change it there.*"
EVENTS = f"""An event is stored under its topic for ever, and its form never changes: what changes gets a new topic.
*Sealed* fields are encrypted with the key of the event's actor. What is *shown* is in `data` on the wire.
Those about people, and holds, are in the stream `{people.PEOPLE}`, which is no room, and for auditors."""
FRAMES = """A frame is a JSON object with a `type`. A client's frame may carry an `id`, which its reply repeats. Unknown
fields are ignored."""


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (HERE / name).write_text(page())


def events_page() -> str:
    """Every event: its topic, its subject, its fields, and which of them are sealed."""
    parts = [
        "# Events",
        WRITTEN.format(source="commands/events.py` and `people.py"),
        EVENTS,
        "Every event has these:",
        event_fields(events.Event),
    ]
    for topic, cls in events.TOPICS.items():
        parts += [f"## `{topic}`", said(cls), f"Subject: `{subject(cls)}`", event_fields(cls, inherited=False)]
    if events.UPCASTERS:
        parts += ["## Old forms", *(f"- `{topic}` is read as a newer form" for topic in events.UPCASTERS)]
    return "\n\n".join(parts) + "\n"


def event_fields(cls: type[events.Event], *, inherited: bool = True) -> str:
    """A table of an event's fields."""
    known = set() if inherited else set(events.Event.__struct_fields__)
    rows = [
        (
            f"`{field.name}`",
            kind(field.type),
            "" if field.required else "may be missing",
            "sealed" if field.name in cls.SEALED else "",
            "shown" if field.name in cls.DATA else "",
        )
        for field in fields(cls)
        if field.name not in known
    ]
    return table(("field", "type", "", "", ""), rows)


def subject(cls: type[events.Event]) -> str:
    """The pattern of an event's subject."""
    names: dict[str, Any] = {field.name: f"<{field.name}>" for field in fields(cls)}
    return cls(**names).subject


def protocol_page() -> str:
    """The WebSocket's frames and close codes, and the codes of errors, which REST shares."""
    parts = [
        f"# The protocol `{protocol.SUBPROTOCOL}`",
        WRITTEN.format(
            source="realtime/client_frames.py`, `server_frames.py`, `close_codes.py` and `commands/errors.py"
        ),
        FRAMES,
        "## What a client sends",
        *frames(client_frames.CLIENT_FRAMES),
        "## What the server sends",
        *frames(server_frames.SERVER_FRAMES),
        "## Close codes",
        table(("code", "why", "reconnect?"), [close_row(code) for code in close_codes.CloseCode]),
        "## Errors",
        "The same over REST (as `application/problem+json`) and sockets (as an `error` frame).",
        table(("code", "status", "try again?", "meaning"), [error_row(refusal) for refusal in refusals()]),
    ]
    return "\n\n".join(parts) + "\n"


def frames(classes: tuple[type[msgspec.Struct], ...]) -> Iterator[str]:
    """A heading, a sentence and a table for each frame."""
    for cls in classes:
        yield f"### `{cls.__struct_config__.tag}`"
        yield said(cls)
        if fields(cls):
            yield frame_fields(cls)


def frame_fields(cls: type[msgspec.Struct]) -> str:
    """A table of a frame's fields; a struct in it has its own fields named beside it."""
    rows = [
        (f"`{field.encode_name}`", kind(field.type), "" if field.required else "may be missing")
        for field in fields(cls)
    ]
    return table(("field", "type", ""), rows)


def close_row(code: close_codes.CloseCode) -> tuple[str, str, str]:
    """One close code."""
    return str(int(code)), code.reason, "yes" if code.reconnect else "no"


def error_row(refusal: type[errors.Refusal]) -> tuple[str, str, str, str]:
    """One error's code."""
    return f"`{refusal.code}`", str(refusal.status), "yes" if refusal.retryable else "no", said(refusal)


def refusals() -> list[type[errors.Refusal]]:
    """Every refusal, by its status."""
    return sorted(errors.Refusal.__subclasses__(), key=lambda refusal: (refusal.status, refusal.code))


def fields(cls: type[msgspec.Struct]) -> list[msgspec.structs.FieldInfo]:
    """A struct's fields, with the types that its source names."""
    types = get_type_hints(cls)
    return [msgspec.structs.replace(field, type=types[field.name]) for field in msgspec.structs.fields(cls)]


def kind(of: Any) -> str:
    """A type, as a person would say it."""
    if get_origin(of) in (Union, UnionType):
        return " or ".join(dict.fromkeys(kind(one) for one in get_args(of) if one is not msgspec.UnsetType))
    if get_origin(of) is list:
        return "list of " + ", ".join(f"`{field.name}`" for field in fields(get_args(of)[0]))
    if get_origin(of) is Literal:
        return " or ".join(f"`{msgspec.json.encode(value).decode()}`" for value in get_args(of))
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return "object: " + ", ".join(f"`{field.name}`" for field in fields(of))
    return NAMES.get(of, "object")


def said(cls: type) -> str:
    """A class's docstring, its lines joined within paragraphs."""
    paragraphs = (cls.__doc__ or "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


PAGES: dict[str, Callable[[], str]] = {"events.md": events_page, "protocol.md": protocol_page}

if __name__ == "__main__":
    main()
