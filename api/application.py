"""The ASGI application of everything under `/api` and `/health`.

Django's own handler hops to a thread for the signals around each request and again to close its response, and wants a
middleware chain; the API uses no connection of Django's that those would clean up, and answers on the event loop from
end to end. Requests, addresses and responses are Django's own.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.request import split_domain_port, validate_host
from django.urls import get_resolver

from api.problems import problem, refusal_of
from api.requests import Request, name_request
from commands.errors import BadRequest, MethodNotAllowed, TooLarge, UnsupportedMediaType

MAX_BODY_BYTES = 64 * 1024
REMEMBERED = 4096
"""How many addresses and host names are remembered, so that the usual ones are not worked out again."""

type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]


class Disconnected(Exception):
    """The client went away before its request was complete."""


class Application:
    """Serves `api.urls`. Whatever goes wrong, the client gets a problem document with the request's id."""

    def __init__(self) -> None:
        self._resolve = lru_cache(REMEMBERED)(get_resolver("api.urls").resolve)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one `http` scope whose `state` holds the parts of Verbatim (config/node.py)."""
        request_id = name_request(scope["headers"])
        try:
            response = await self._answer(scope, receive, request_id)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001 - the last stop: refusal_of logs what it does not know
            response = problem(refusal_of(error), request_id)
        response.headers["X-Request-ID"] = request_id
        await _send(response, scope["method"], send)

    async def _answer(self, scope: dict[str, Any], receive: Receive, request_id: str) -> HttpResponse:
        body = await _read_body(scope, receive)
        try:
            request = Request(scope, body, request_id)
        except UnicodeDecodeError:
            raise BadRequest("The address is not valid UTF-8.") from None
        if request.method == "HEAD":
            request.method = "GET"
        match = request.resolver_match = self._resolve(request.path_info)
        if match.namespace != "health":
            _check(scope, request, body)
        response: HttpResponse = await match.func(request, *match.args, **match.kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            return _not_allowed(response, request_id)
        return response


async def _read_body(scope: dict[str, Any], receive: Receive) -> bytes:
    """The whole body; one that is too large is not read to its end. Raises: TooLarge, Disconnected."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
        if not message.get("more_body", False):
            return body


def _check(scope: dict[str, Any], request: Request, body: bytes) -> None:
    """Raises: BadRequest for a host that is not ours (DNS rebinding), UnsupportedMediaType."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    if not _is_ours(host, tuple(settings.ALLOWED_HOSTS)):
        raise BadRequest("This server does not answer to that host name (ALLOWED_HOSTS).")
    if body and request.content_type != "application/json":
        raise UnsupportedMediaType


@lru_cache(REMEMBERED)
def _is_ours(host: bytes, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, allowed)


def _not_allowed(answer: HttpResponse, request_id: str) -> HttpResponse:
    response = problem(MethodNotAllowed(), request_id)
    allowed = answer.headers["Allow"]
    response.headers["Allow"] = f"{allowed}, HEAD" if "GET" in allowed else allowed
    return response


async def _send(response: HttpResponse, method: str, send: Send) -> None:
    body = response.content
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    headers.append((b"content-length", str(len(body)).encode()))
    headers.append((b"x-content-type-options", b"nosniff"))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
