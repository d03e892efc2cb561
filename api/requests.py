"""A request to the API: Django's, with its id and the parts of Verbatim that answer it."""

import random
import re
from collections.abc import Iterable, Mapping, MutableMapping
from io import BytesIO
from typing import Any

from django.core.handlers.asgi import ASGIRequest

from api.streaming import Turns
from archive.exporting import Exports
from commands.administration import Administration
from commands.handlers import Handlers
from commands.identity import Guests, Identity, Tokens
from commands.refusals import Refusals
from commands.subscription import Log
from projections.queries import Queries

Headers = Iterable[tuple[bytes, bytes]]

SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,64}")


class Request(ASGIRequest):
    """A request whose body has been read: `request_id` names it in the answer, the log and the event it causes.

    `auth` is who asks, where an operation wants to know.
    """

    auth: Identity

    def __init__(self, scope: MutableMapping[str, Any], body: bytes, request_id: str) -> None:
        super().__init__(scope, BytesIO(body))
        self._body = body
        self.request_id = request_id

    @property
    def handlers(self) -> Handlers:
        found: Handlers = self.scope["state"]["handlers"]
        return found

    @property
    def administration(self) -> Administration:
        found: Administration = self.scope["state"]["administration"]
        return found

    @property
    def refused(self) -> Refusals:
        found: Refusals = self.scope["state"]["refused"]
        return found

    @property
    def queries(self) -> Queries:
        found: Queries = self.scope["state"]["queries"]
        return found

    @property
    def log(self) -> Log:
        found: Log = self.scope["state"]["log"]
        return found

    @property
    def exports(self) -> Exports:
        found: Exports = self.scope["state"]["exports"]
        return found

    @property
    def export_turns(self) -> Mapping[bool, Turns]:
        """Turns for making exports: for auditors (True), and for all others."""
        found: Mapping[bool, Turns] = self.scope["state"]["export_turns"]
        return found

    @property
    def guests(self) -> Guests:
        found: Guests = self.scope["state"]["guests"]
        return found

    @property
    def tokens(self) -> Tokens:
        found: Tokens = self.scope["state"]["tokens"]
        return found

    @property
    def address(self) -> str:
        """Where the request comes from, empty if the server does not say (a Unix socket)."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""


def name_request(headers: Headers) -> str:
    """The id of a request: the caller's `X-Request-ID` if it is short and plain, else a fresh one."""
    for name, value in headers:
        if name == b"x-request-id" and SANE_ID.fullmatch(value):
            return value.decode("ascii")
    return f"{random.getrandbits(128):032x}"
