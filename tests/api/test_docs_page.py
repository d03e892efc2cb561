"""The documentation page in a real browser: it works under its own strict policy, with nothing from elsewhere."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import async_playwright

from tests.api.client import Client
from tests.api.lifespan import App


@pytest.fixture
async def address(application: App) -> AsyncIterator[str]:
    """Where a real server serves the application."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="warning"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.mark.browser
async def test_the_page_shows_every_operation_without_a_complaint(address: str, chromium: str, nobody: Client) -> None:
    complaints: list[str] = []
    asked: set[str] = set()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.add(request.url))
        await page.goto(f"{address}/api/docs")
        await page.wait_for_selector(".opblock")
        shown = await page.locator(".opblock").count()
        await page.click("#operations-messages-post_message .opblock-summary-control")
        await page.wait_for_selector("#operations-messages-post_message .responses-table")
        await browser.close()
    assert shown == len(nobody.document.operations)
    assert complaints == []
    assert all(url.startswith((address, "data:")) for url in asked), asked


async def test_the_page_has_a_policy_without_exceptions(nobody: Client) -> None:
    response = await nobody.http.get("/api/docs")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "<script>" not in response.text
