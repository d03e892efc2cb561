"""Makes the pictures in docs/images again: `python -m tests.web.screenshots`.

A conversation of two days is recorded in a fresh store under a clock that is set by hand; then a real server shows it
to a real browser. The last line is sent by that browser, and caught as its number arrives.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from playwright.async_api import Browser, Page, async_playwright, expect

from commands.amending import EditMessage, RedactMessage
from commands.clock import now_ms
from commands.handlers import Command, Handlers, Receipt
from commands.identity import COOKIE, Caller, Guests
from commands.message import PostMessage
from commands.reaction import React
from commands.rules import OpenRoom
from commands.writer import Writer
from tests.acceptance.deployment import SECRET_KEY, Web, opened
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
    """A line of the conversation: how many minutes ago, by whom, and what; `to` is the line that it answers."""

    minutes_ago: float
    who: tuple[str, str]
    message: str
    to: str | None = None


class Changed(NamedTuple):
    """What somebody did to a line, by what it says at first: another text, an emoji, or neither to remove it."""

    minutes_ago: float
    who: tuple[str, str]
    line: str
    text: str = ""
    emoji: str = ""


OFF = "Water is off. Nobody hurt."
AGAIN = "yes, slowly please 🙏"
ASKED = "صباح الخير! هل أعيد تشغيل المضخة السابعة الآن؟"
CONVERSATION: list[Said | Changed] = [
    Said(1740, GRACE, "Good evening. I have the watch until midnight, then it is Ada's."),
    Said(1739.5, GRACE, "All pumps are green."),
    Said(1722, LINUS, "quiet sea, loud gulls"),
    Said(1581, GRACE, "Pump 7 just tripped. Anybody near the east dock?"),
    Said(1580.6, ADA, "On my way."),
    Said(1579, LINUS, "breaker is out, i can see it from here 🔦"),
    Said(1564, ADA, OFF),
    Changed(1563.8, ADA, OFF, "Water is off. Nobody hurt. The logbook is wet."),
    Said(1563.5, GRACE, "Thank you both. Morning is early enough for the why."),
    Changed(1563.2, LINUS, OFF, emoji="👍"),
    Changed(1563.1, GRACE, OFF, emoji="👍"),
    Said(1562, LINUS, "gate code for tomorrow is 4711"),
    Changed(1561, LINUS, "gate code for tomorrow is 4711"),
    Said(38, LINUS, CODE),
    Said(31, NOOR, ASKED),
    Said(30.5, LINUS, AGAIN, to=ASKED),
    Said(19, GRACE, LINK),
    Said(18.6, GRACE, "Pressure is back where it belongs."),
    Changed(18.2, NOOR, "Pressure is back where it belongs.", emoji="🎉"),
    Said(4, ADA, LONG),
    Changed(3, NOOR, LONG, emoji="❤️"),
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
                await record(server.database_url, CONVERSATION)
                with server:
                    page = await open_page(browser, f"http://{LOOPBACK}:{server.port}", viewport, scheme)
                    await picture(page, f"{name}-{scheme}")
        await browser.close()


async def record(database_url: str, conversation: Sequence[Said | Changed]) -> None:
    """Have the conversation, each line at its time."""
    async with opened(database_url) as parts:
        writer = Writer(parts.store, lambda recorded: None)
        writer.start()
        handlers = Handlers(parts.store, parts.mapper, writer, limits=False)
        await act(handlers, conversation[0], OpenRoom(room=ROOM, title="Night watch"))
        ids: dict[str, str] = {}
        for step in conversation:
            receipt = await act(handlers, step, command(step, ids))
            if isinstance(step, Said) and receipt.message_id:
                ids[step.message] = receipt.message_id
        await writer.close()


def command(step: Said | Changed, ids: Mapping[str, str]) -> Command:
    """What to ask for; `ids` are those of the lines by what they said."""
    if isinstance(step, Said):
        reply_to = ids[step.to] if step.to else None
        return PostMessage(room=ROOM, message=step.message, handle=step.who[1], reply_to=reply_to)
    message_id = ids[step.line]
    if step.emoji:
        return React(room=ROOM, message_id=message_id, emoji=step.emoji)
    if step.text:
        return EditMessage(room=ROOM, message_id=message_id, message=step.text)
    return RedactMessage(room=ROOM, message_id=message_id)


async def act(handlers: Handlers, step: Said | Changed, command: Command) -> Receipt:
    """Carry a command out as that person at that time."""
    person, handle = step.who
    with patch("commands.attempt.now_ms", return_value=now_ms() - int(step.minutes_ago * 60_000)):
        return await handlers.handle(command, Caller(person=person, handle=handle, request_id="screenshots"))


async def picture(page: Page, name: str) -> None:
    """The room as its last line gets its number, as it was, played, and with a line's versions; and the front page."""
    await page.goto(f"/{ROOM}/")
    await expect(page.locator("body[data-live]")).to_be_attached()
    await page.locator("#write").fill(LAST)
    await page.locator("#write").press("Enter")
    await expect(page.locator(".landed .seq")).to_be_visible()
    await page.screenshot(path=IMAGES / f"room-{name}.png", animations="disabled")
    if name in ("desktop-light", "phone-dark"):
        await picture_versions(page, name)
        await picture_past(page, name)
        await page.goto("/")
        await page.screenshot(path=IMAGES / f"front-{name}.png")
    await page.context.close()


async def picture_versions(page: Page, name: str) -> None:
    """An edited line with its versions."""
    mark = page.locator(".edited")
    await mark.click()
    await expect(page.locator(".versions li")).to_have_count(2)
    await page.mouse.move(0, 0)
    await page.screenshot(path=IMAGES / f"versions-{name}.png", animations="disabled")


async def picture_past(page: Page, name: str) -> None:
    """The room as it was when the pump had just tripped, and a moment later in its replay."""
    await page.goto(f"/{ROOM}/?as_of=7")
    await expect(page.locator("#tape")).to_be_visible()
    await expect(page.locator("body[data-live]")).to_be_attached()
    await page.locator("#tape").focus()
    await page.screenshot(path=IMAGES / f"past-{name}.png", animations="disabled")
    await page.locator("#play").click()
    await expect(page.locator("#lines")).to_contain_text("Thank you both.")
    await page.screenshot(path=IMAGES / f"replay-{name}.png", animations="disabled")


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
