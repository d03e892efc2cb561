"""The ASGI application of everything under `/api` and `/health`, in front of the one that serves the rest.

Django's own handler hops to a thread for the signals around each request and again to close its response, and wants a
middleware chain; the API uses no connection of Django's that those would clean up, and answers on the event loop from
end to end. Requests, addresses and responses are Django's own.
"""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.request import split_domain_port, validate_host
from django.urls import get_resolver

from api.problems import problem, refusal_of
from api.requests import Request, name_request
from api.streaming import Streamed
from commands.errors import BadRequest, Internal, MethodNotAllowed, TooLarge, UnsupportedMediaType
from commands.serving import serve

MAX_BODY_BYTES = 64 * 1024
REMEMBERED = 4096
MAX_REMEMBERED = 200
"""How many addresses and host names of which length are remembered, so that the usual ones are not worked out again."""

log = logging.getLogger(__name__)

type Scope = MutableMapping[str, Any]
type Message = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type App = Callable[[Scope, Receive, Send], Awaitable[None]]


class Disconnected(Exception):
    """The client went away before its request was complete."""


class Rest:
    """Serves `api.urls`. Whatever goes wrong, the client gets a problem document with the request's id.

    `otherwise` serves every other address.
    """

    def __init__(self, otherwise: App) -> None:
        self._otherwise = otherwise
        self._resolve = get_resolver("api.urls").resolve
        self._resolve_again = lru_cache(REMEMBERED)(self._resolve)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one `http` scope whose `state` holds the parts of Verbatim (config/node.py)."""
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        if path in ("/api", "/metrics") or path.startswith(("/api/", "/health/")):
            await self._serve(scope, receive, send)
        else:
            await self._otherwise(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = name_request(scope["headers"])
        serve(request_id)
        try:
            response = await self._answer(scope, receive, request_id)
        except Disconnected:
            return
        except Exception as error:
            refusal = refusal_of(error)
            scope["state"]["refusals"][refusal.code] += 1
            if isinstance(refusal, Internal):
                log.exception("a request failed")
            response = problem(refusal, request_id)
        response.headers["X-Request-ID"] = request_id
        if isinstance(response, Streamed):
            await _stream(response, scope["method"], receive, send)
        else:
            await _send(response, scope["method"], send)

    async def _answer(self, scope: Scope, receive: Receive, request_id: str) -> HttpResponse:
        body = await _read_body(scope, receive)
        try:
            request = Request(scope, body, request_id)
        except UnicodeDecodeError:
            raise BadRequest("The address is not valid UTF-8.") from None
        if request.method == "HEAD":
            request.method = "GET"
        resolve = self._resolve_again if len(request.path_info) <= MAX_REMEMBERED else self._resolve
        match = request.resolver_match = resolve(request.path_info)
        if match.namespace != "operating":
            _check(scope, request, body)
        response: HttpResponse = await match.func(request, *match.args, **match.kwargs)
        if isinstance(response, HttpResponseNotAllowed):
            return _not_allowed(response, request_id)
        return response


async def _read_body(scope: Scope, receive: Receive) -> bytes:
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


def _check(scope: Scope, request: Request, body: bytes) -> None:
    """Raises: BadRequest for a host that is not ours (DNS rebinding), UnsupportedMediaType."""
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    if len(host) > MAX_REMEMBERED or not _is_ours(host, tuple(settings.ALLOWED_HOSTS)):
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


async def _stream(response: Streamed, method: str, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status_code, "headers": _headers(response)})
    if method == "HEAD":
        await response.end()
        await send({"type": "http.response.body", "body": b""})
    else:
        await response.send(receive, send)


async def _send(response: HttpResponse, method: str, send: Send) -> None:
    body = response.content
    headers = [*_headers(response), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def _headers(response: HttpResponse) -> list[tuple[bytes, bytes]]:
    headers = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in response.items()]
    return [*headers, (b"x-content-type-options", b"nosniff")]
