"""Matrix: a room as Element exports it, one JSON file with the room's events."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from archive.retold import Retold
from archive.sources import Damaged, Labels, Source, decode, emoji_of, person_of
from commands.restoring import Decided

SOURCE = "matrix"

type Tell = Callable[[], Iterator[Decided]]


class Redaction(msgspec.Struct):
    """Who took an event back, when and why, as its own server tells it beside what is left of the event."""

    sender: str = ""
    origin_server_ts: int | None = None
    content: dict[str, Any] = {}


class Unsigned(msgspec.Struct):
    """What a server adds to an event."""

    redacted_because: Redaction | None = None


class Happened(msgspec.Struct):
    """An event of Matrix."""

    type: str
    sender: str
    origin_server_ts: int
    event_id: str
    content: dict[str, Any] = {}
    unsigned: Unsigned = msgspec.field(default_factory=Unsigned)
    state_key: str | None = None
    redacts: str | None = None


class Exported(msgspec.Struct):
    """The file."""

    messages: list[Happened]
    room_name: str = ""
    room_creator: str = ""
    topic: str = ""


class Reacted(msgspec.Struct, frozen=True):
    """A reaction, by its own event, so that it can be taken back."""

    to: str
    person: str
    emoji: str


class Matrix(Source):
    """A room as a source of events."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def decided(self) -> Iterator[Decided]:
        """Every event, by time. Raises: Damaged."""
        self.skipped.clear()
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise Damaged(f"{self._path}: {error.strerror}") from None
        exported = decode(data, Exported, self._path.name)
        events = sorted(exported.messages, key=lambda event: event.origin_server_ts)
        if not events:
            raise Damaged(f"{self._path.name}: there are no messages in it")
        name = exported.room_name or self._path.stem
        owner = person_of(SOURCE, exported.room_creator or events[0].sender)
        room = Retold(SOURCE, Labels().give(name.removeprefix("#").partition(":")[0]), owner, self.skipped)
        yield from room.open(events[0].origin_server_ts, name)
        if exported.topic and not any(event.type == "m.room.topic" for event in events):
            yield from room.change(events[0].origin_server_ts, owner, topic=exported.topic)
        yield from Telling(room, self.skipped).tell(events)


class Telling:
    """Tells one room's events. What comes before the message that it is about waits for it."""

    def __init__(self, room: Retold, skipped: Counter[str]) -> None:
        self._room = room
        self._skipped = skipped
        self._names: dict[str, str] = {}
        self._posted: set[str] = set()
        self._reactions: dict[str, Reacted] = {}
        self._waiting: dict[str, list[Tell]] = defaultdict(list)

    def tell(self, events: list[Happened]) -> Iterator[Decided]:
        """All of them, by time."""
        for event in events:
            yield from self._tell(event)
        for waiting in self._waiting.values():
            for tell in waiting:
                yield from tell()

    def _tell(self, event: Happened) -> Iterator[Decided]:
        at, person, content = event.origin_server_ts, person_of(SOURCE, event.sender), event.content
        match event.type:
            case "m.room.member":
                self._names[event.state_key or event.sender] = str(content.get("displayname") or "")
            case "m.room.name":
                yield from self._room.change(at, person, title=str(content.get("name", "")))
            case "m.room.topic":
                yield from self._room.change(at, person, topic=str(content.get("topic", "")))
            case "m.reaction":
                yield from self._react(event, person)
            case "m.room.redaction":
                yield from self._redact(event, person)
            case "m.room.message" | "m.sticker" | "m.room.encrypted":
                yield from self._say(event, person)
            case _:
                self._skipped[event.type] += 1

    def _say(self, event: Happened, person: str) -> Iterator[Decided]:
        at, relation = event.origin_server_ts, _relation(event)
        if relation.get("rel_type") == "m.replace":
            edited = str(relation.get("event_id", ""))
            text = _text(_within(event.content, "m.new_content") or event.content)
            if text:
                yield from self._about(edited, lambda: self._room.edit(at, edited, person, text))
            return
        redaction = event.unsigned.redacted_because
        text = _text(event.content, is_reply="m.in_reply_to" in relation)
        if not text and not redaction:
            self._skipped[f"{event.type} without a text"] += 1
            return
        handle = self._names.get(event.sender) or event.sender.removeprefix("@").partition(":")[0]
        yield from self._room.post(at, event.event_id, person, handle, text, reply_to=_replies_to(relation))
        self._posted.add(event.event_id)
        for tell in self._waiting.pop(event.event_id, ()):
            yield from tell()
        if redaction:
            yield from self._taken_back(event, redaction)

    def _taken_back(self, event: Happened, redaction: Redaction) -> Iterator[Decided]:
        """A message that the export has without its text, since it was redacted: when, by whom, why."""
        when = event.origin_server_ts if redaction.origin_server_ts is None else redaction.origin_server_ts
        by = person_of(SOURCE, redaction.sender or event.sender)
        reason = str(redaction.content.get("reason", ""))
        self._room.later(when, lambda: self._room.redact(when, event.event_id, by, reason))
        yield from ()

    def _react(self, event: Happened, person: str) -> Iterator[Decided]:
        relation = _relation(event)
        to, key = str(relation.get("event_id", "")), str(relation.get("key", ""))
        if not to or not key:
            self._skipped["reactions that were taken back"] += 1
            return
        reacted = self._reactions[event.event_id] = Reacted(to, person, emoji_of(key, key))
        at = event.origin_server_ts
        yield from self._about(to, lambda: self._room.react(at, to, person, reacted.emoji))

    def _redact(self, event: Happened, person: str) -> Iterator[Decided]:
        at, target = event.origin_server_ts, event.redacts or str(event.content.get("redacts", ""))
        if reacted := self._reactions.pop(target, None):
            yield from self._room.unreact(at, reacted.to, reacted.person, reacted.emoji)
        else:
            reason = str(event.content.get("reason", ""))
            yield from self._about(target, lambda: self._room.redact(at, target, person, reason))

    def _about(self, message: str, tell: Tell) -> Iterator[Decided]:
        if message in self._posted:
            yield from tell()
        else:
            self._waiting[message].append(tell)


def _within(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under this name; an empty one if there is none."""
    found = content.get(name)
    return found if isinstance(found, dict) else {}


def _relation(event: Happened) -> dict[str, Any]:
    return _within(event.content, "m.relates_to")


def _replies_to(relation: dict[str, Any]) -> str | None:
    """What a message answers: the message named in a reply, else the one that began its thread."""
    named = None if relation.get("is_falling_back") else _within(relation, "m.in_reply_to").get("event_id")
    begun = relation.get("event_id") if relation.get("rel_type") == "m.thread" else None
    return str(named or begun or "") or None


def _text(content: dict[str, Any], *, is_reply: bool = False) -> str:
    """What a message says, without the quotation that old clients put before an answer; of a file, its name."""
    body = str(content.get("body") or "")
    if is_reply and body.startswith("> "):
        quoted, _, rest = body.partition("\n\n")
        body = rest if all(line.startswith(">") for line in quoted.splitlines()) else body
    kind = str(content.get("msgtype", "m.text"))
    if kind in ("m.image", "m.file", "m.audio", "m.video") and body:
        return f"[{kind.removeprefix('m.')}: {body}]"
    return body if body.strip() else ""
