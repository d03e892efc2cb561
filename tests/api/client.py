"""A program that uses the API: it knows one person's token, and holds every answer against the documentation."""

from typing import Any

import httpx

from tests.api.documented import Document

ROOT = "/api/v1"
JSON = {"content-type": "application/json"}


class Client:
    """Asks the API as one person, or as nobody."""

    def __init__(self, transport: httpx.AsyncBaseTransport, document: Document, token: str | None = None) -> None:
        self.document = document
        self.person = ""
        self._transport = transport
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers)

    async def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Send a request under `/api/v1`; the answer is as documented."""
        response = await self.http.request(method, ROOT + path, **what)
        assert response.headers["x-request-id"]
        if method != "HEAD":
            self.document.check(method, response.request.url.path, response)
        return response

    async def get(self, path: str, **params: Any) -> Any:
        """What a successful GET answers."""
        response = await self.ask("GET", path, params=params)
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, method: str, path: str, code: str, **what: Any) -> dict[str, Any]:
        """The problem that a request is answered with, which has this code."""
        response = await self.ask(method, path, **what)
        assert response.headers["content-type"] == "application/problem+json", response.text
        problem: dict[str, Any] = response.json()
        assert problem["code"] == code, problem
        assert problem["status"] == response.status_code
        assert problem["request_id"] == response.headers["x-request-id"]
        return problem

    async def wrong_fields(self, method: str, path: str, **what: Any) -> set[str]:
        """The fields for which a request is refused."""
        problem = await self.refused(method, path, "invalid_field", **what)
        return {error["field"] for error in problem["errors"]}

    async def become(self, handle: str) -> "Client":
        """A client of a fresh guest."""
        response = await self.ask("POST", "/guests", json={"handle": handle})
        assert response.status_code == 201, response.text
        guest = Client(self._transport, self.document, response.json()["token"])
        guest.person = response.json()["person"]
        return guest

    async def post(self, room: str, message: str, **more: Any) -> dict[str, Any]:
        """Say something; answers the acknowledgement."""
        response = await self.ask("POST", f"/rooms/{room}/messages", json={"message": message, **more})
        assert response.status_code in (200, 201), response.text
        posted: dict[str, Any] = response.json()
        return posted

    async def open(self, room: str, **more: Any) -> dict[str, Any]:
        """Open a room; answers the acknowledgement."""
        response = await self.ask("POST", "/rooms", json={"label": room, **more})
        assert response.status_code == 201, response.text
        done: dict[str, Any] = response.json()
        return done
