"""Somebody in front of a browser: opens rooms, writes lines, reads what is there."""

from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, ConsoleMessage, Page, expect

LINES = "#lines .line[data-seq]:not(.record)"
MEASURES = (Path(__file__).parent / "fixtures" / "measures.js").read_text()


class Visitor:
    """One browser with a profile of its own, in one tab. What its console complains of is kept."""

    def __init__(self, context: BrowserContext, page: Page, base: str) -> None:
        self.context = context
        self.page = page
        self.base = base
        self.complaints: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    async def enter(self, label: str, more: str = "") -> None:
        """Open a room and wait until it is live."""
        await self.page.goto(f"{self.base}/{label}/{more}")
        await self.live()

    async def live(self) -> None:
        """Wait until the page is connected and has caught up."""
        await expect(self.page.locator("body[data-live]")).to_be_attached()

    async def rename(self, handle: str) -> None:
        await self.page.locator(".who summary").click()
        await self.page.locator("#new-handle").fill(handle)
        await self.page.locator("#new-handle").press("Enter")
        await expect(self.page.locator("#handle")).to_have_text(handle)

    async def write(self, text: str) -> None:
        await self.page.locator("#write").fill(text)
        await self.page.locator("#write").press("Enter")

    async def lines(self) -> list[tuple[int, str]]:
        """The numbered messages on the page, from top to bottom."""
        script = "lines => lines.map(line => [Number(line.dataset.seq), line.querySelector('.text').textContent])"
        return [(seq, text) for seq, text in await self.page.eval_on_selector_all(LINES, script)]

    async def texts(self) -> list[str]:
        return [text for _, text in await self.lines()]

    async def sees(self, text: str) -> None:
        """Wait until a line with its number says exactly this."""
        await expect(self.page.locator(f"{LINES} .text").get_by_text(text, exact=True)).to_be_visible()

    async def sees_lines(self, count: int) -> None:
        await expect(self.page.locator(LINES)).to_have_count(count)

    async def measure(self, what: str) -> Any:
        """What a function of fixtures/measures.js finds on the page."""
        return await self.page.evaluate(f"({MEASURES}).{what}()")

    async def scroll(self, script: str) -> None:
        """Scroll the transcript; `script` is an expression of `scroller`."""
        await self.page.evaluate(f"() => {{ const scroller = document.getElementById('scroller'); {script} }}")


def is_about_the_network(complaint: str) -> bool:
    """What a browser writes to its console when a connection is refused; no page can keep it from that."""
    return "WebSocket connection to" in complaint or "net::ERR_" in complaint
