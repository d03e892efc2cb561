"""Who is here and who writes, on the page."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Visit
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


async def come(visit: Visit, label: str, handle: str) -> Visitor:
    visitor = await visit()
    await visitor.enter(label)
    await visitor.rename(handle)
    await visitor.write(f"{handle} is here")
    await visitor.sees(f"{handle} is here")
    return visitor


async def test_who_is_here_is_counted_and_named(visit: Visit, label: str) -> None:
    ada = await come(visit, label, "Ada")
    await expect(ada.page.locator("#here")).to_be_hidden()
    grace = await come(visit, label, "Grace")
    for visitor in (ada, grace):
        await expect(visitor.page.locator("#here")).to_have_text("2 here")
    await ada.sees("Grace is here")
    await ada.page.locator(".about summary").click()
    await expect(ada.page.locator("#company")).to_have_text("you, Grace")
    await grace.context.close()
    await expect(ada.page.locator("#here")).to_be_hidden()


async def test_who_writes_is_told_until_they_have_said_it(visit: Visit, label: str) -> None:
    ada, grace = await come(visit, label, "Ada"), await come(visit, label, "Grace")
    await ada.sees("Grace is here")
    await grace.page.locator("#write").press_sequentially("hel")
    await expect(ada.page.locator("#writing")).to_have_text("Grace is writing…")
    await expect(grace.page.locator("#writing")).to_have_text("")
    await grace.page.locator("#write").press("Enter")
    await expect(ada.page.locator("#writing")).to_have_text("")
    await ada.sees("hel")
