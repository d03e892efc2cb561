"""`/metrics` for Prometheus: what this process counts, for whoever operates it and for nobody else."""

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_GET

from api.requests import Request
from commands.errors import Forbidden, Unauthenticated

HERE = ("localhost", "127.0.0.1", "[::1]")
FORWARDED = (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")
"""Headers by which a proxy tells that it asks for somebody else."""


@require_GET
async def scrape(request: HttpRequest) -> HttpResponse:
    """The numbers of this process. Raises: Unauthenticated, Forbidden."""
    assert isinstance(request, Request)
    check_may_scrape(request)
    body, media_type = await request.scope["state"]["metrics"].render(request.headers.get("accept", ""))
    response = HttpResponse(body, content_type=media_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def check_may_scrape(request: Request) -> None:
    """Let in who knows `METRICS_TOKEN`; where there is none, who asks from this machine itself.

    Raises: Unauthenticated, Forbidden.
    """
    if settings.METRICS_TOKEN:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
            raise Unauthenticated("Send METRICS_TOKEN as a bearer token.")
    elif not _is_from_here(request):
        raise Forbidden("Ask from this machine itself, or set METRICS_TOKEN and send it.")


def _is_from_here(request: Request) -> bool:
    """Whether nobody stands behind the request: no proxy, and no page under another name for this address."""
    if any(name in FORWARDED for name, _ in request.scope["headers"]):
        return False
    if split_domain_port(request.headers.get("host", ""))[0] not in HERE:
        return False
    try:
        return ip_address(request.address).is_loopback
    except ValueError:
        return False
