"""What other chats have in common when they are read: people, labels and texts become ours, and time runs forwards."""

import hashlib
import re
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator

import msgspec

from archive.lines import UNREADABLE
from commands.clock import rfc3339
from commands.errors import InvalidField
from commands.member import MAX_HANDLE, default_handle
from commands.reaction import MAX_EMOJI, check_emoji
from commands.restoring import Decided
from commands.rules import RESERVED

MAX_LABEL = 50
_UNSEEN = ("Cc", "Cf", "Zl", "Zp")


class Damaged(Exception):
    """The file cannot be read to its end; the message says where."""


class Source(ABC):
    """Something to import. It is read twice: to check it, and to put it back.

    `skipped` is what was left out, by kind, when it was read last.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()

    def check(self) -> None:
        """Read all of it. Raises: Damaged."""
        for _ in self.decided():
            pass

    @abstractmethod
    def decided(self) -> Iterator[Decided]:
        """Every event, in order. Raises: Damaged."""


def decode[T](data: bytes | str, kind: type[T], name: str) -> T:
    """A JSON file of this name as it should be. Raises: Damaged."""
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE as error:
        raise Damaged(f"{name}: {error}") from None


def check_time(unix_ms: int, name: str) -> None:
    """Raises: Damaged for a time that is in no year that can be written."""
    try:
        rfc3339(unix_ms)
    except OverflowError:
        raise Damaged(f"{name}: {unix_ms} is no time") from None


def person_of(source: str, who: str) -> str:
    """The guest that somebody becomes: always the same one, whom nobody can sign in as."""
    return f"guest:{source}-{hashlib.sha256(f'{source}\0{who}'.encode()).hexdigest()[:16]}"


def handle_of(name: str, person: str) -> str:
    """A handle that we allow, as near to a name as can be."""
    seen = "".join(c for c in clean(name) if unicodedata.category(c) not in _UNSEEN)
    return seen.strip()[:MAX_HANDLE].strip() or default_handle(person)


def clean(text: str) -> str:
    """A text that can be kept: NUL and half characters become U+FFFD."""
    return text.replace("\0", "\ufffd").encode(errors="surrogatepass").decode(errors="replace")


def emoji_of(name: str, known: str = "") -> str:
    """A reaction as we allow it: the emoji that is `known` for a name, or the name, cut to what a reaction may be."""
    for candidate in (known, f":{name}:", name[:MAX_EMOJI]):
        try:
            check_emoji(candidate)
        except InvalidField:
            continue
        return candidate
    return "\ufffd"


class Labels:
    """Gives every room a label of its own, as near to its name as can be."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def give(self, name: str) -> str:
        """A label that no other room has."""
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
        label = re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")[:MAX_LABEL] or "room"
        if label.lower() in RESERVED:
            label = f"{label}-room"
        number, given = 1, label
        while given in self._taken:
            number += 1
            given = f"{label[: MAX_LABEL - len(str(number)) - 1]}-{number}"
        self._taken.add(given)
        return given
