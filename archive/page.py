"""HTML: a room as one page that needs nothing else: no script, no picture, no font; for screen and paper."""

from collections.abc import AsyncGenerator, Iterator
from html import escape
from pathlib import Path

from archive import manifest
from archive.manifest import Account
from archive.messages import Message, Messages
from archive.part import Part
from archive.proving import Prover
from commands.clock import rfc3339
from projections.page import Moment

_FOLDER = Path(__file__).parent
STYLE = (_FOLDER / "page.css").read_text()
_HEAD, _FOOT = (_FOLDER / "page.html").read_text().split("<!-- lines -->\n")


async def export(messages: Messages, prover: Prover) -> AsyncGenerator[bytes]:
    """The page: messages by seq, days between them, the manifest below.

    Raises: ProjectionBehind, RoomParked, Unavailable.
    """
    account, day = Account(), ""
    async for moment, those in messages.pages():
        written = [] if account.begun else [_head(moment, messages)]
        for message in those:
            account.enter(message.item.room, message.item.seq, message.item.position)
            if (date := message.item.created_at[:10]) != day:
                written.append(f'<li class="day"><time datetime="{date}">{date}</time></li>\n')
                day = date
            written.append("".join(_line(message)))
        chunk = "".join(written).encode()
        account.add(chunk)
        yield chunk
    yield _foot(messages.part, account, prover).encode()


def _head(moment: Moment, messages: Messages) -> str:
    return _HEAD.format(
        title=escape(moment.title or messages.room),
        style=STYLE,
        topic=f'<p dir="auto">{escape(moment.topic)}</p>\n' if moment.topic else "",
        room=escape(messages.room),
        upto=messages.part.upto,
        made=rfc3339(messages.part.exported_at),
        view="an auditor: with what was removed" if messages.part.auditor else "readers: without what was removed",
    )


def _line(message: Message) -> Iterator[str]:
    item = message.item
    name = f"m{item.message_id}"
    yield f'<li class="line" id="{name}"><p class="by"><a class="seq" href="#{name}">{item.seq}</a>'
    yield f"<b><bdi>{escape(item.author.handle or item.author.id)}</bdi></b> "
    yield f'<time datetime="{item.created_at}">{item.created_at[11:19]}</time>'
    if item.edited_at:
        yield f' <span class="soft">edited <time datetime="{item.edited_at}">{_moment(item.edited_at)}</time></span>'
    if item.reply_to:
        yield f' <a class="soft" href="#m{item.reply_to}">answers</a>'
    yield "</p>"
    if item.redacted:
        yield '<p class="text gone">removed</p>'
    if item.message is not None:
        yield f'<p class="text" dir="auto">{escape(item.message)}</p>'
    if item.reactions:
        chips = "".join(f"<span>{escape(emoji)} {count}</span>" for emoji, count in item.reactions.items())
        yield f'<p class="chips">{chips}</p>'
    if told := _origin(message):
        yield f'<p class="origin">{told}</p>'
    yield "</li>\n"


def _origin(message: Message) -> str:
    origin = message.origin
    who = f"{message.item.author.id} · " if origin.request_id else ""
    taken = f" · removed by {origin.redacted_by}" if origin.redacted_by else ""
    why = f": {origin.reason}" if origin.reason else ""
    told = " · ".join(each for each in (origin.request_id, origin.address, origin.client) if each)
    return escape(f"{who}{told}{taken}{why}")


def _foot(part: Part, account: Account, prover: Prover) -> str:
    said = account.manifest(room=part.room, view=part.view, as_of=part.moment, exported_at=rfc3339(part.exported_at))
    signed = prover.sign(manifest.encode(said)).decode()
    messages = f"{account.lines:,} message{'' if account.lines == 1 else 's'}"
    return _FOOT.format(messages=messages, events=f"of {part.upto:,} events", manifest=escape(signed, quote=False))


def _moment(at: str) -> str:
    return f"{at[:10]} {at[11:16]}"
