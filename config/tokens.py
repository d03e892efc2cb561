"""Tokens with a scope, for programs: looked up by their hash, and remembered for a moment."""

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from typing import NamedTuple

from commands.clock import now_ms
from commands.errors import Unauthenticated
from commands.identity import TOKEN_PREFIX, Identity, Scoped
from projections.reading import Reading, reading

SCOPES = ("audit",)
REMEMBERED_S = 10.0
"""So long after it was revoked a token may still be taken for good."""
MAX_REMEMBERED = 1000
MAX_SAID = 40
_FIND = "SELECT name, scope, expires_at, revoked_at FROM api_token WHERE digest = :digest"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class Known(NamedTuple):
    """What the table said of a token, and until when that counts (monotonic seconds)."""

    scoped: Scoped
    expires_at: int | None
    until: float


class Tokens:
    """Finds out what a token is for. On a connection of its own, without Django's: no request waits for a thread."""

    def __init__(self) -> None:
        self._read: Reading = reading()
        self._known: OrderedDict[str, Known] = OrderedDict()

    async def open(self) -> None:
        """Connect."""
        await self._read.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._read.close()

    async def find(self, token: str) -> Scoped:
        """See `Tokens.find`: one that is unknown, revoked or expired does not count."""
        digest = digest_of(token)
        known = self._known.get(digest)
        if known is None or known.until < time.monotonic():
            known = await self._look_up(digest)
        if known.expires_at is not None and known.expires_at <= now_ms():
            raise Unauthenticated("This token has expired: ask for a new one.")
        return known.scoped

    async def _look_up(self, digest: str) -> Known:
        self._known.pop(digest, None)
        rows = await self._read.rows(_FIND, {"digest": digest})
        if not rows:
            raise Unauthenticated("This token is not one of ours.")
        [(name, scope, expires_at, revoked_at)] = rows
        if revoked_at is not None:
            raise Unauthenticated("This token was revoked.")
        known = self._known[digest] = Known(
            Scoped(scope, bot(name, digest)), expires_at, time.monotonic() + REMEMBERED_S
        )
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return known


def bot(name: str, digest: str) -> Identity:
    """Who whoever has a token is: what it is called, as far as an id may say it, and the beginning of its hash."""
    said = _UNFIT.sub("-", name).strip("-")[:MAX_SAID]
    return Identity(person=f"bot:{'-'.join(filter(None, (said, digest[:8])))}", handle=name)


def mint() -> tuple[str, str]:
    """A new token of 256 random bits, and its hash."""
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return token, digest_of(token)


def digest_of(token: str) -> str:
    """What is kept of a token. It is random enough that nobody can go through all that there could be."""
    return hashlib.sha256(token.encode()).hexdigest()
