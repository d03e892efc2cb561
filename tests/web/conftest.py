"""A real server, a real Chromium, and as many visitors as a test asks for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.acceptance.deployment import Web
from tests.servers import LOOPBACK
from tests.web.browsing import FLAGS
from tests.web.visitor import Visitor, is_about_the_network

PATIENCE_MS = 15_000
expect.set_options(timeout=PATIENCE_MS)

type Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def base(web: Web) -> str:
    return f"http://{LOOPBACK}:{web.port}"


@pytest.fixture
def label(_labels: "count[int]" = count(1)) -> str:  # noqa: B008  # one counter for the session
    """A room that no other test was in."""
    return f"garden-{next(_labels)}"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, base: str) -> AsyncIterator[Visit]:
    """Makes visitors, each with a profile of their own. A complaint in any console fails the test."""
    visitors: list[Visitor] = []

    async def come(at: str = base, **options: object) -> Visitor:
        settings = {"viewport": {"width": 1280, "height": 800}, "timezone_id": "Europe/Berlin", **options}
        context = await browser.new_context(**settings)  # type: ignore[arg-type]  # as Playwright names them
        visitors.append(Visitor(context, await context.new_page(), at))
        return visitors[-1]

    yield come
    for visitor in visitors:
        await visitor.context.close()
    complaints = [complaint for visitor in visitors for complaint in visitor.complaints]
    assert [complaint for complaint in complaints if not is_about_the_network(complaint)] == []


class Program:
    """A guest without a browser, over REST."""

    def __init__(self, http: httpx.Client, handle: str) -> None:
        self._http = http
        answer = http.post("/api/v1/guests", json={"handle": handle})
        self.person: str = answer.json()["person"]
        self._headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def says(self, label: str, *messages: str) -> int:
        """Post messages one after the other; answers the last one's position."""
        position = 0
        for message in messages:
            answer = self._http.post(
                f"/api/v1/rooms/{label}/messages", json={"message": message}, headers=self._headers
            )
            assert answer.status_code == 201, answer.text
            position = answer.json()["position"]
        return position

    def opens(self, label: str, **more: str) -> None:
        self._http.post("/api/v1/rooms", json={"label": label, **more}, headers=self._headers).raise_for_status()

    def changes(self, label: str, **changes: object) -> None:
        self._http.patch(f"/api/v1/rooms/{label}", json=changes, headers=self._headers).raise_for_status()

    def asks(self, method: str, path: str, **body: object) -> None:
        """Ask for something below `rooms`."""
        address = f"/api/v1/rooms/{path}"
        self._http.request(method, address, json=body or None, headers=self._headers).raise_for_status()

    def reads(self, label: str, what: str = "messages", **query: str | int) -> list[dict[str, object]]:
        """The items of a page of the room's history or events, as far as `min_position` asks for."""
        params: dict[str, str | int] = {"limit": 200, **query}
        answer = self._http.get(f"/api/v1/rooms/{label}/{what}", params=params, headers=self._headers)
        answer.raise_for_status()
        items: list[dict[str, object]] = answer.json()["items"]
        return items


@pytest.fixture
def program(base: str) -> Iterator[Callable[[str], Program]]:
    """Makes programs that talk to the same server."""
    with httpx.Client(base_url=base, timeout=10) as http:
        yield lambda handle: Program(http, handle)
