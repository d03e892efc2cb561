"""CSV: a message a row, for spreadsheets (RFC 4180, UTF-8). No cell is a formula, whatever people wrote."""

import csv
import io
from collections.abc import AsyncGenerator, Sequence

from archive.messages import Message, Messages, Origin

COLUMNS = (
    *("room", "seq", "position", "message_id", "created_at", "author", "handle"),
    *("message", "edited_at", "redacted", "reply_to", "reactions"),
)
ORIGIN = Origin._fields
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula, or strips to find one."""


async def export(messages: Messages) -> AsyncGenerator[bytes]:
    """The file: titles, then rows by seq; auditors get more columns.

    Raises: ProjectionBehind, RoomParked, Unavailable.
    """
    titles = COLUMNS + ORIGIN if messages.part.auditor else COLUMNS
    begun = False
    async for _, those in messages.pages():
        rows = [_row(message, auditor=messages.part.auditor) for message in those]
        yield _written(rows if begun else [titles, *rows])
        begun = True


def defused(cell: str) -> str:
    """The cell as text: what could be taken for a formula begins with an apostrophe."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _row(message: Message, *, auditor: bool) -> Sequence[str]:
    item = message.item
    cells = (
        item.room,
        str(item.seq),
        str(item.position),
        item.message_id,
        item.created_at,
        item.author.id,
        item.author.handle,
        item.message or "",
        item.edited_at or "",
        "yes" if item.redacted else "",
        item.reply_to or "",
        " ".join(f"{emoji} {count}" for emoji, count in item.reactions.items()),
    )
    return [defused(cell) for cell in (cells + message.origin if auditor else cells)]


def _written(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()
