"""The lines of a page: messages and the quiet records between them, grouped and dated as the reader sees them.

`static/web/line.js` makes the same lines in the browser.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from django.utils.safestring import SafeString

from commands.clock import from_rfc3339, rfc3339
from commands.events import wire_name
from commands.member import default_handle
from commands.subscription import Log
from web.records import describe, describe_removal
from web.text import excerpt, is_long, render_text

if TYPE_CHECKING:
    from projections.queries import Page

GROUP_MS = 5 * 60_000
HUES = 16
MAX_RECORDS = 300


class Author(msgspec.Struct, frozen=True):
    """Who wrote a message, under the handle they had then."""

    id: str
    handle: str


class Item(msgspec.Struct, frozen=True):
    """A message of a history page, as far as a line shows it."""

    message_id: str
    seq: int
    author: Author
    message: str | None
    created_at: str
    seq_changed: int
    edited_at: str | None = None
    redacted: bool = False
    reply_to: str | None = None
    reactions: dict[str, int] = {}


class Line(msgspec.Struct, kw_only=True):
    """One line of the transcript. `day` is set where a new day begins, `lead` where another person starts to speak."""

    seq: int
    at: str
    person: str
    handle: str = ""
    message_id: str = ""
    changed: int = 0
    edited: bool = False
    removed: str = ""
    reply_to: str = ""
    replied: "Line | None" = None
    said: str = ""
    reactions: dict[str, int] = {}
    text: SafeString | None = None
    record: str = ""
    chars: str = ""
    long: bool = False
    mine: bool = False
    lead: bool = True
    hue: int = 0
    clock: str = ""
    day: str = ""
    date: str = ""


class Then(NamedTuple):
    """The moment of a page of the past: the seq it is as of, and when that was, in words."""

    as_of: int
    at: str


async def read_lines(page: "Page", log: Log, room: str, me: str, zone: tzinfo) -> list[Line]:
    """The lines of a page of history, with the room's other events where their numbers are missing from it."""
    items = [_item.decode(raw) for raw in page.items]
    lines = [_message_line(item, me) for item in items]
    names = {line.person: line.handle for line in lines}
    await _tell_who_removed(lines, log, room, names, me)
    _join_replies(lines)
    lines += await _records(page, [item.seq for item in items], log, room, names, me)
    return arrange(sorted(lines, key=lambda line: line.seq), zone)


_item = msgspec.json.Decoder(Item)


def arrange(lines: Sequence[Line], zone: tzinfo) -> list[Line]:
    """Set what depends on the reader's zone and on the line before."""
    before: Line | None = None
    for line in lines:
        moment = datetime.fromtimestamp(from_rfc3339(line.at) / 1000, zone)
        line.clock, line.date = f"{moment:%H:%M}", f"{moment:%Y-%m-%d}"
        if before is None or before.date != line.date:
            line.day = f"{moment:%A} {moment.day} {moment:%B %Y}"
        line.lead = not (before and _continues(before, line))
        before = line
    return list(lines)


def _continues(before: Line, line: Line) -> bool:
    same = (before.person, before.handle, before.date, before.record) == (line.person, line.handle, line.date, "")
    return same and not line.record and from_rfc3339(line.at) - from_rfc3339(before.at) < GROUP_MS


def _message_line(item: Item, me: str) -> Line:
    message = item.message
    return Line(
        seq=item.seq,
        at=item.created_at,
        person=item.author.id,
        handle=item.author.handle or default_handle(item.author.id),
        message_id=item.message_id,
        changed=item.seq_changed,
        edited=item.edited_at is not None and message is not None,
        removed="removed" if item.redacted or message is None else "",
        reply_to=item.reply_to or "",
        said=excerpt(message),
        reactions=item.reactions,
        text=None if message is None else render_text(message),
        chars=f"{len(message or ''):,}",
        long=is_long(message or ""),
        mine=item.author.id == me,
        hue=hue(item.author.id),
    )


async def _tell_who_removed(lines: Sequence[Line], log: Log, room: str, names: dict[str, str], me: str) -> None:
    removed = [line for line in lines if line.removed]
    by = await log.redacted_by_whom(room, [f"message:{line.message_id}" for line in removed]) if removed else {}
    for line in removed:
        line.removed = describe_removal(by.get(f"message:{line.message_id}"), line.person, names, me)


def _join_replies(lines: Sequence[Line]) -> None:
    """Each answer with what it answers, where that is on the page."""
    known = {line.message_id: line for line in lines}
    for line in lines:
        line.replied = known.get(line.reply_to)


async def _records(
    page: "Page", seqs: Iterable[int], log: Log, room: str, names: dict[str, str], me: str
) -> list[Line]:
    """What happened between the messages of a page, as far as it can be said in a line."""
    missing = _missing(page, sorted(seqs))
    if not missing:
        return []
    facts = await log.read_room(room, after=missing[0] - 1, upto=missing[-1], limit=MAX_RECORDS)
    lines = []
    for seq, topic, event in ((fact.recorded.seq, fact.recorded.topic, fact.event) for fact in facts):
        words = event and describe(wire_name(topic), event.actor, event.data, names, me)
        if event and words:
            lines.append(Line(seq=seq, at=rfc3339(event.occurred_at), person=event.actor, record=words))
    return lines


def _missing(page: "Page", seqs: Sequence[int]) -> list[int]:
    first = 1 if page.found_oldest or not seqs else seqs[0]
    newest = page.moment.as_of if page.moment else page.head_seq
    last = newest if page.found_newest or not seqs else seqs[-1]
    return sorted(set(range(first, last + 1)) - set(seqs)) if last - first < 10 * MAX_RECORDS else []


def hue(person: str) -> int:
    """A person's colour, one of 16 (FNV-1a, as in `line.js`)."""
    value = 0x811C9DC5
    for byte in person.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return (value >> 8) % HUES


def describe_moment(at: str, zone: tzinfo) -> str:
    """`22 November, 09:43`, with the year when it is another than this one's."""
    moment = datetime.fromtimestamp(from_rfc3339(at) / 1000, zone)
    year = "" if moment.year == datetime.now(zone).year else f" {moment.year}"
    return f"{moment.day} {moment:%B}{year}, {moment:%H:%M}"


def describe_then(lines: Sequence[Line], zone: tzinfo) -> str:
    """When the last of these lines was said, in words."""
    return describe_moment(lines[-1].at, zone) if lines else ""


def reader_zone(name: str) -> tzinfo:
    """The zone that the browser told us, else UTC."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
