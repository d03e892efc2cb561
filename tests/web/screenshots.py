"""Makes the pictures in docs/images again: `python -m tests.web.screenshots`.

A conversation of two days is recorded in a fresh store under a clock that is set by hand; then a real server shows it
to a real browser. The last line is sent by that browser, and caught as its number arrives.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from playwright.async_api import Browser, Page, async_playwright, expect

from commands.clock import now_ms
from commands.handlers import Command, Handlers
from commands.identity import COOKIE, Caller, Guests
from commands.message import PostMessage
from commands.rules import OpenRoom
from commands.writer import Writer
from tests.acceptance.deployment import SECRET_KEY, Web, manage, opened
from tests.conftest import find_chromium
from tests.servers import LOOPBACK
from tests.web.browsing import FLAGS

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
ADA = ("guest:5f1d8f3c2a90b7e4", "Ada")
GRACE = ("guest:c0b01a5e77d2f914", "Grace")
LINUS = ("guest:0e9a6d41b83cf5a2", "linus")
NOOR = ("guest:71f3e8a9c05b264d", "نور")
ROOM = "night-watch"

CODE = """Found it. The guard compared seconds with milliseconds:
```python
def due(self, now_ms: int) -> bool:
    return now_ms - self.last > self.every * 1000
```
Fixed in `scheduler.py`, with a test that would have caught it."""
LONG = (
    "Thank you. For the record, since we will be asked: the sensor was fine, the pump was fine, and the valve did "
    "exactly what it was told. What was wrong is that it was told so a thousand times too often, for eleven minutes, "
    "until the breaker had enough. Nobody was hurt."
)
LINK = (
    "The readings are at https://harbour.example.org/pumps/7?from=2026-11-21T22:40Z#pressure (look at the left axis)."
)


class Said(NamedTuple):
    """A line of the conversation: how many minutes ago, by whom, and what."""

    minutes_ago: float
    who: tuple[str, str]
    message: str


CONVERSATION = [
    Said(1740, GRACE, "Good evening. I have the watch until midnight, then it is Ada's."),
    Said(1739.5, GRACE, "All pumps are green."),
    Said(1722, LINUS, "quiet sea, loud gulls"),
    Said(1581, GRACE, "Pump 7 just tripped. Anybody near the east dock?"),
    Said(1580.6, ADA, "On my way."),
    Said(1579, LINUS, "breaker is out, i can see it from here 🔦"),
    Said(1564, ADA, "Water is off. Nobody hurt. The logbook is wet."),
    Said(1563.5, GRACE, "Thank you both. Morning is early enough for the why."),
    Said(38, LINUS, CODE),
    Said(31, NOOR, "صباح الخير! هل أعيد تشغيل المضخة السابعة الآن؟"),
    Said(30.5, LINUS, "yes, slowly please 🙏"),
    Said(19, GRACE, LINK),
    Said(18.6, GRACE, "Pressure is back where it belongs."),
    Said(4, ADA, LONG),
]
LAST = "Good. Closing the incident; the watch is yours, Grace."


async def main() -> None:
    """Record, serve, look: a fresh server for each picture, so that each catches the last line's number."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for name, viewport in {"desktop": (1280, 800), "phone": (390, 844)}.items():
            for scheme in ("light", "dark"):
                server = Web()
                manage("migrate", "--verbosity", "0", database_url=server.database_url)
                await record(server.database_url, CONVERSATION)
                with server:
                    page = await open_page(browser, f"http://{LOOPBACK}:{server.port}", viewport, scheme)
                    await picture(page, f"{name}-{scheme}")
        await browser.close()


async def record(database_url: str, conversation: Sequence[Said]) -> None:
    """Have the conversation, each line at its time."""
    async with opened(database_url) as parts:
        writer = Writer(parts.store, lambda recorded: None)
        writer.start()
        handlers = Handlers(parts.store, parts.mapper, writer, limits=False)
        await act(handlers, conversation[0], OpenRoom(room=ROOM, title="Night watch"))
        for said in conversation:
            await act(handlers, said, PostMessage(room=ROOM, message=said.message, handle=said.who[1]))
        await writer.close()


async def act(handlers: Handlers, said: Said, command: Command) -> None:
    """Carry a command out as that person at that time."""
    person, handle = said.who
    with patch("commands.attempt.now_ms", return_value=now_ms() - int(said.minutes_ago * 60_000)):
        await handlers.handle(command, Caller(person=person, handle=handle, request_id="screenshots"))


async def picture(page: Page, name: str) -> None:
    """The room as its last line gets its number, and the front page."""
    await page.goto(f"/{ROOM}/")
    await expect(page.locator("body[data-live]")).to_be_attached()
    await page.locator("#write").fill(LAST)
    await page.locator("#write").press("Enter")
    await expect(page.locator(".landed .seq")).to_be_visible()
    await page.screenshot(path=IMAGES / f"room-{name}.png", animations="disabled")
    await page.goto("/")
    if name in ("desktop-light", "phone-dark"):
        await page.screenshot(path=IMAGES / f"front-{name}.png")
    await page.context.close()


async def open_page(browser: Browser, base: str, viewport: tuple[int, int], scheme: Any) -> Page:
    """A browser that is Ada's."""
    width, height = viewport
    context = await browser.new_context(
        base_url=base,
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        device_scale_factor=2,
        timezone_id="Europe/Berlin",
        has_touch=width < 600,
    )
    _, token = Guests(SECRET_KEY).issue(*ADA)
    zone = {"name": "verbatim_zone", "value": "Europe/Berlin", "url": base}
    await context.add_cookies([{"name": COOKIE, "value": token, "url": base}, zone])  # type: ignore[list-item]
    return await context.new_page()


if __name__ == "__main__":
    asyncio.run(main())
