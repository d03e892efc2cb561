"""Who asks: a bearer token, or the guest cookie together with Django's CSRF token."""

from django.conf import settings
from django.http import HttpRequest
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from api.requests import Request
from commands.errors import Forbidden, Unauthenticated
from commands.identity import COOKIE, TOKEN_PREFIX, Caller, Identity, Reader, Scoped, bearer
from commands.rules import check_audits
from commands.serving import serve_person

MAX_CLIENT = 200
AUDIT = "audit"
"""The scope of auditors' tokens."""


class BearerToken(AuthBase):
    """`Authorization: Bearer …`. Needs no CSRF token: no browser sends it by itself."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    async def __call__(self, request: HttpRequest) -> Identity | None:
        """Raises: Unauthenticated for a token that is not ours, Forbidden for one that may only read."""
        assert isinstance(request, Request)
        if await _scoped(request):
            raise Forbidden("This token is nobody's who says or changes anything in a room.")
        identity, how = request.guests.find(request.scope["headers"])
        return identity if how == "bearer" else None


class GuestCookie(AuthBase):
    """The browser's cookie, which counts only together with the CSRF token."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = COOKIE

    async def __call__(self, request: HttpRequest) -> Identity | None:
        """Raises: Forbidden without the CSRF token."""
        assert isinstance(request, Request)
        identity, how = request.guests.find(request.scope["headers"])
        if how != "cookie":
            return None
        if check_csrf(request) is not None:
            raise Forbidden("The cookie needs the CSRF token, in the header X-CSRFToken.")
        return identity


class AuditToken(AuthBase):
    """A token with the scope `audit`, made by `manage.py createtoken`."""

    openapi_type = "http"
    openapi_scheme = "bearer"

    async def __call__(self, request: HttpRequest) -> Identity | None:
        """Raises: Unauthenticated for a token that is not ours, Forbidden for everybody else who is known."""
        assert isinstance(request, Request)
        found = await _scoped(request)
        auditor = found is not None and found.scope == AUDIT
        identity = found.identity if found else request.guests.find(request.scope["headers"])[0]
        try:
            check_audits(identity.person if identity else None, auditor=auditor)
        except Forbidden as error:
            assert identity is not None
            request.auth = identity
            asked = request.resolver_match.route if request.resolver_match else ""
            request.refused.note(f"{request.method} {asked}", "", error.code, caller(request))
            raise
        return identity


CREDENTIALS = [BearerToken(), GuestCookie()]
"""What an operation that writes asks for: any of these."""
AUDITORS = [AuditToken()]
"""What an operation asks for that is for auditors."""


def caller(request: Request) -> Caller:
    """Who sends a command; the operation has asked for `CREDENTIALS`, or for `AUDITORS`."""
    identity = request.auth
    serve_person(identity.person)
    return Caller(
        person=identity.person,
        handle=identity.handle,
        request_id=request.request_id,
        address=request.address,
        client=request.META.get("HTTP_USER_AGENT", "")[:MAX_CLIENT],
    )


async def reader(request: Request) -> Reader:
    """Who reads, nobody in particular without credentials. Raises: Unauthenticated for a token that is not ours."""
    if found := await _scoped(request):
        return Reader(auditor=found.scope == AUDIT)
    identity, _ = request.guests.find(request.scope["headers"])
    if identity is None:
        return Reader()
    serve_person(identity.person)
    return Reader(identity.person)


async def _scoped(request: Request) -> Scoped | None:
    """What the token allows that a request carries, if it is one with a scope. Raises: Unauthenticated."""
    token = bearer(request.scope["headers"])
    return await request.tokens.find(token) if token and token.startswith(TOKEN_PREFIX) else None


def check_may_read(who: Reader) -> None:
    """For what is in no room: where guests are not let in, whoever has not signed in reads nothing.

    Raises: Unauthenticated.
    """
    if settings.GUESTS == "off" and not who.auditor and (who.person is None or who.person.startswith("guest:")):
        raise Unauthenticated
