"""What stands before everything that answers over HTTP: requests are counted and timed, slow ones are logged."""

import logging
from collections.abc import Awaitable
from time import perf_counter

from django.conf import settings

from api.application import App, Message, Receive, Scope, Send

log = logging.getLogger("verbatim.requests")


class Watched:
    """An ASGI application for HTTP whose requests are counted in `scope["state"]["metrics"]`."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 500
        began = perf_counter()

        def note(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        try:
            await self._app(scope, receive, note)
        finally:
            took_s = perf_counter() - began
            scope["state"]["metrics"].count_request(status, took_s)
            if took_s > settings.SLOW_REQUEST_S:
                _log_slow(scope, status, took_s)


def _log_slow(scope: Scope, status: int, took_s: float) -> None:
    """Without the query, which may say anything."""
    told = {"method": scope["method"], "path": scope["path"], "status": status, "took_ms": round(took_s * 1000)}
    log.warning("slow: %(method)s %(path)s: %(status)d in %(took_ms)d ms", told, extra={"fields": told})
