"""Version 1 of the API: its operations, gathered."""

from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI

from api import audit, bans, events, export, guests, holds, log, messages, past, people, projections, reactions, rooms
from api.bodies import JsonObjects

ROOT = "api/v1/"


class Version1(NinjaAPI):
    """Ninja's API, which leaves errors to the application and makes no response that no operation uses."""

    def on_exception(self, request: HttpRequest, exc: Any) -> NoReturn:
        """Raise it again: `application` answers every error in one form."""
        raise exc

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Ninja makes one for each request, for operations that fill it; ours return their own."""
        return _UNUSED


_UNUSED = HttpResponse()

api = Version1(
    title="Verbatim",
    version="1",
    description="A chat that keeps its word: every message is an event, in its room's one order, for ever.",
    openapi_url=None,
    docs_url=None,
    parser=JsonObjects(),
    urls_namespace="v1",
)
api.add_router("/guests", guests.router)
for each in (rooms, messages, past, reactions, events, export, bans, holds):
    api.add_router("/rooms", each.router)
api.add_router("/people", people.router)
api.add_router("/events", audit.router)
api.add_router("/projections", projections.router)
api.add_router("/log", log.router)
