"""Who somebody is: the signed token of a guest, carried as a bearer token by programs and as a cookie by browsers."""

import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal, NamedTuple, Protocol

import msgspec
from django.core import signing
from django.http.cookie import parse_cookie

from commands.errors import InvalidField, Unauthenticated
from commands.member import check_handle, default_handle

COOKIE = "verbatim_guest"
MAX_AGE_S = 365 * 24 * 3600
TOKEN_PREFIX = "verbatim_"  # noqa: S105 - what all of them begin with
_SALT = "verbatim.guest"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """A person and what they are called by default."""

    person: str
    handle: str


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who sends a command, from where, in which request. `handle` is what they are called by default."""

    person: str
    handle: str
    request_id: str
    address: str = ""
    client: str = ""


class Reader(NamedTuple):
    """Who reads: a person, if they said who they are. An `auditor` sees every room, and what was redacted."""

    person: str | None = None
    auditor: bool = False


class Scoped(NamedTuple):
    """What a token with a scope allows, and who whoever has it is: `bot:<id>`, called as the token is."""

    scope: str
    identity: Identity


class Tokens(Protocol):
    """What tokens with a scope are for; they begin with `TOKEN_PREFIX`."""

    async def find(self, token: str) -> Scoped:
        """What a token allows, and whom. Raises: Unauthenticated for one that does not count, Unavailable."""


def bearer(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The bearer token among these ASGI headers, if there is one."""
    for name, value in headers:
        scheme, _, token = value.decode("latin-1").partition(" ") if name == b"authorization" else ("", "", "")
        if scheme.lower() == "bearer":
            return token.strip()
    return None


class Guests:
    """Makes guests and recognises them again. The token is the guest: nothing is stored.

    `secret_key` signs the tokens; whoever knows it can be anybody.
    """

    def __init__(self, secret_key: str) -> None:
        self._signer = signing.TimestampSigner(key=secret_key, salt=_SALT)

    def welcome(self, handle: str | None = None) -> tuple[Identity, str]:
        """A fresh guest and their token. Raises: InvalidField for a handle that nobody may have."""
        if handle is not None:
            check_handle(handle)
        return self.issue(f"guest:{secrets.token_hex(8)}", handle)

    def issue(self, person: str, handle: str | None) -> tuple[Identity, str]:
        """A token for a guest under a (new) handle."""
        identity = Identity(person=person, handle=handle or default_handle(person))
        return identity, self._signer.sign_object({"p": person, "h": handle})

    def find(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[Identity | None, Literal["bearer", "cookie", ""]]:
        """Who sends these ASGI headers, and how they say so; a bearer token goes before the cookie.

        A cookie that is not ours is no cookie. Raises: Unauthenticated for a bearer token that is not ours.
        """
        found = {name: value.decode("latin-1") for name, value in headers if name in (b"authorization", b"cookie")}
        scheme, _, token = found.get(b"authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.recognise(token.strip()), "bearer"
        # As Django reads them: a cookie of another program on this host, odd as it may be, hides none of ours.
        cookie = parse_cookie(found.get(b"cookie", "")).get(COOKIE)
        with suppress(Unauthenticated):
            return (self.recognise(cookie), "cookie") if cookie else (None, "")
        return None, ""

    def recognise(self, token: str) -> Identity:
        """The guest whose token this is. Raises: Unauthenticated for one that we did not sign or that is too old."""
        try:
            claims = self._signer.unsign_object(token, max_age=MAX_AGE_S)
        except signing.SignatureExpired:
            raise Unauthenticated("This token has expired: ask for a new one.") from None
        except (signing.BadSignature, ValueError):
            raise Unauthenticated("This token is not one of ours.") from None
        return Identity(person=claims["p"], handle=claims["h"] or default_handle(claims["p"]))


def clean_handle(handle: str) -> str | None:
    """The handle if it is one that a guest may have, else None."""
    try:
        check_handle(handle)
    except InvalidField:
        return None
    return handle
