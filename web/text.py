"""One message as HTML: links can be followed, code keeps its shape, and the text is exactly what was sent.

`static/web/text.js` does the same in the browser; what a reader can copy is the message, character by character.
"""

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

FOLD_CHARS = 1200
FOLD_LINES = 18
EXCERPT_CHARS = 90

NOT_IN_LINKS = '\\u0000-\\u0020<>"`\\u007f-\\u00a0\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u2064\\u3000\\ufeff'
SPANS = re.compile(rf"```([\s\S]+?)```\n?|`([^`\n]+)`|https?://[^{NOT_IN_LINKS}]+")
LANGUAGE = re.compile(r"[A-Za-z0-9_+-]*\n")
AFTER_LINKS = ".,:;!?'*_~"


def render_text(message: str) -> SafeString:
    """The message as HTML. Everything of it is escaped; only links and code become elements."""
    return mark_safe("".join(_spans(message)))  # noqa: S308  # made of escaped pieces alone


def is_long(message: str) -> bool:
    """Whether a message is folded until somebody wants all of it."""
    return len(message) > FOLD_CHARS or message.count("\n") >= FOLD_LINES


def excerpt(message: str | None) -> str:
    """What an answer quotes of a message: the beginning of its first line."""
    first = (message or "").strip().partition("\n")[0]
    return first if len(first) <= EXCERPT_CHARS else first[: EXCERPT_CHARS - 1].rstrip() + "…"


def _spans(message: str) -> Iterator[str]:
    done = 0
    for found in SPANS.finditer(message):
        start, end = found.span()
        if found[1] is not None:
            span = _block(found[0], found[1])
        elif found[2] is not None:
            span = f"<code>{_tick('`')}{_escape(found[2])}{_tick('`')}</code>"
        else:
            url = trim_link(found[0])
            end = start + len(url)
            span = _link(url)
        yield _escape(message[done:start]) + span
        done = end
    yield _escape(message[done:])


def _block(whole: str, inside: str) -> str:
    """Code between fences; the fences, the language and the line ends beside them are there, unseen."""
    language = LANGUAGE.match(inside)
    code = inside[language.end() :] if language else inside
    code = code.removesuffix("\n")
    opening = "```" + (language[0] if language else "")
    closing = whole[len(opening) + len(code) :]
    return f'<code class="block">{_tick(opening)}{_escape(code)}{_tick(closing)}</code>'


def _tick(characters: str) -> str:
    return f'<span class="tick">{_escape(characters)}</span>'


def _link(url: str) -> str:
    return f'<a href="{_escape(url)}" target="_blank" rel="noopener noreferrer nofollow ugc">{_escape(url)}</a>'


def _escape(text: str) -> str:
    """Escape for HTML; a parser would turn a bare carriage return into a line feed."""
    return escape(text).replace("\r", "&#13;")


def trim_link(url: str) -> str:
    """A URL without the punctuation of the sentence around it: `(see https://a.example/b_(c)).` ends at `(c)`."""
    while True:
        last = url[-1]
        if last in AFTER_LINKS or (last in ")]}" and url.count(last) > url.count("([{"[")]}".index(last)])):
            url = url[:-1]
        else:
            return url
