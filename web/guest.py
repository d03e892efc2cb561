"""The visitor of a page: the guest of their cookie, or a fresh one who is given it. Nothing is stored."""

from urllib.parse import urlsplit

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse

from commands.identity import COOKIE, MAX_AGE_S, Guests, Identity


def meet(request: ASGIRequest) -> tuple[Identity, str | None]:
    """Who visits, and the token to give them (None: they have one that holds)."""
    known, _ = guests_of(request).find(request.scope["headers"])
    return (known, None) if known else guests_of(request).welcome()


def guests_of(request: ASGIRequest) -> Guests:
    """What makes guests and recognises them again."""
    guests: Guests = request.scope["state"]["guests"]
    return guests


def remember(request: ASGIRequest, response: HttpResponse, token: str | None) -> HttpResponse:
    """Give the browser its token, out of reach of scripts and of other sites."""
    if token is not None:
        response.set_cookie(COOKIE, token, MAX_AGE_S, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


def is_from_our_page(request: ASGIRequest) -> bool:
    """Whether a form was sent by one of our own pages.

    Browsers name the origin of every POST; without one it is no browser, and carries nobody's cookie but its own.
    """
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.get_host()
