"""The room page in use: history, places, failures, the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.acceptance.deployment import Web
from tests.cable import Cable
from tests.servers import LOOPBACK
from tests.web.conftest import Program, Visit
from tests.web.visitor import LINES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

type Meet = Callable[[str], Program]


async def read_on(visitor: Visitor) -> None:
    """Scroll down until the newest lines are there."""
    lines, later = visitor.page.locator(LINES), visitor.page.locator("#later")
    count = await lines.count()
    while await later.is_visible():
        await visitor.scroll("scroller.scrollTop = 0")
        await expect(lines).not_to_have_count(count)
        count = await lines.count()


def numbered(count: int) -> list[str]:
    return [f"line number {number}" for number in range(2, count + 2)]


async def test_scrolling_up_reads_older_pages_and_keeps_the_place(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *numbered(180))
    ada = await visit()
    await ada.enter(label)
    await ada.sees_lines(50)
    await ada.scroll("scroller.scrollTop = -900")
    seq, top = await ada.measure("firstSeen")
    await ada.sees_lines(100)
    now = await ada.page.evaluate("seq => document.getElementById(seq).getBoundingClientRect().top", seq)
    assert now == pytest.approx(top, abs=1)
    for count in (150, 180):
        await ada.scroll("scroller.scrollTop = -scroller.scrollHeight")
        await ada.sees_lines(count)
    assert await ada.lines() == [(number, f"line number {number}") for number in range(2, 182)]
    await expect(ada.page.locator(".record")).to_have_text(re.compile("grace opened the room"))
    await expect(ada.page.locator("#earlier")).to_be_hidden()


async def test_new_lines_are_announced_to_a_reader_who_is_further_up_and_nothing_jumps(
    visit: Visit, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.says(label, *numbered(60))
    ada = await visit()
    await ada.enter(label)
    await ada.scroll("scroller.scrollTop = -600")
    await ada.sees_lines(60)
    seq, top = await ada.measure("firstSeen")
    grace.says(label, "one", "two", "three")
    await expect(ada.page.locator("#arrived")).to_have_text("3 new lines ↓")
    assert await ada.measure("firstSeen") == [seq, pytest.approx(top, abs=1)]
    await expect(ada.page).to_have_title(re.compile(r"^\(3\) "))
    await ada.page.locator("#arrived").click()
    await expect(ada.page.locator("#arrived")).to_be_hidden()
    await expect(ada.page.get_by_text("three", exact=True)).to_be_in_viewport()
    await expect(ada.page.locator(".unread + .line .text")).to_have_text("one")


async def test_a_permalink_opens_the_page_around_its_line_and_reading_on_leads_to_now(
    visit: Visit, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.says(label, *numbered(180))
    ada = await visit()
    await ada.page.goto(f"{ada.base}/{label}/#20")
    line = ada.page.locator("[id='20']")
    await expect(line).to_be_in_viewport()
    await ada.live()
    assert await line.evaluate("line => line.matches(':target')")
    grace.says(label, "said meanwhile")
    await expect(ada.page.locator("#arrived")).to_have_text("1 new line ↓")
    await read_on(ada)
    await ada.sees("said meanwhile")
    await ada.write("and an answer")
    await ada.sees("and an answer")
    seqs = [seq for seq, _ in await ada.lines()]
    assert seqs == list(range(seqs[0], 184))


async def test_a_refused_line_says_so_and_is_recorded_once_when_tried_again(
    visit: Visit, web: Web, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.opens(label)
    async with Cable(web.port) as cable:
        ada = await visit(f"http://{LOOPBACK}:{cable.port}")
        await ada.enter(label)
        cable.cut()
        await expect(ada.page.locator("#wire")).to_have_text("Reconnecting…")
        grace.changes(label, archived=True)
        await ada.write("too late")
        cable.mend()
        fault = ada.page.locator(".line.failed .fault")
        await expect(fault).to_contain_text("archived")
        await expect(ada.page.locator("#write")).to_be_disabled()
        grace.changes(label, archived=False)
        await expect(ada.page.locator("#write")).to_be_enabled()
        await fault.get_by_text("Try again").click()
        await ada.sees("too late")
        await expect(fault).to_be_hidden()
    posted = [event for event in grace.reads(label, "events") if event["event"] == "message.posted"]
    assert len(posted) == 1


async def test_the_keyboard_suffices(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await expect(ada.page.locator("#write")).to_be_focused()
    await ada.page.keyboard.type("two")
    await ada.page.keyboard.press("Shift+Enter")
    await ada.page.keyboard.type("lines")
    await ada.page.keyboard.press("Enter")
    await ada.sees("two\nlines")
    await ada.page.evaluate(
        "() => document.getElementById('write').dispatchEvent("
        "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    await ada.page.keyboard.type("still writing")
    await expect(ada.page.locator("#write")).to_have_value("still writing")
    await ada.page.keyboard.press("Shift+Tab")
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.locator("#write")).to_be_focused()
    await ada.sees_lines(1)


async def test_the_composer_counts_near_its_limit_and_grows_to_eight_lines(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    box, left = ada.page.locator("#write"), ada.page.locator("#room-left")
    await box.fill("😀" * 9_990)
    await expect(left).to_have_text("10 left")
    await box.fill("x" * 10_007)
    await expect(left).to_have_text("7 too many")
    await expect(ada.page.locator("#send")).to_be_disabled()
    await box.fill("\n".join("12345678"))
    height = "box => box.getBoundingClientRect().height"
    eight = await box.evaluate(height)
    await box.fill("many\n" * 30)
    assert await box.evaluate(height) == pytest.approx(eight, abs=2)
    assert eight == pytest.approx(8 * 1.5 * 17, rel=0.1)
    await box.fill("😀" * 10_000)
    await box.press("Enter")
    await ada.sees_lines(1)
    assert await ada.texts() == ["😀" * 10_000]
    await ada.page.get_by_role("button", name="Show all 10,000 characters").click()
    await expect(ada.page.locator(".text.fold")).to_have_class(re.compile("open"))


async def test_a_handle_is_remembered_for_the_next_room(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.rename("Ada Lovelace")
    await ada.write("hello")
    await expect(ada.page.locator(".line.mine .handle")).to_have_text("Ada Lovelace")
    await ada.enter(f"{label}-b")
    await expect(ada.page.locator("#handle")).to_have_text("Ada Lovelace")


async def test_an_empty_room_invites_and_says_which_line_comes_next(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await expect(ada.page.locator("#empty")).to_have_text("Nobody has said anything here yet. Line 2 is yours.")
    await expect(ada.page.locator(".record .text")).to_have_text("You opened the room")
    await ada.write("so be it")
    await ada.sees("so be it")
    await expect(ada.page.locator("#empty")).to_be_hidden()


async def test_the_guides_own_page_talks_to_ours(visit: Visit, label: str) -> None:
    ada, guide = await visit(), await visit()
    await guide.page.route(f"**/{label}/", lambda route: route.fulfill(path="tests/web/fixtures/guide.html"))
    await ada.enter(label)
    await guide.page.goto(f"{guide.base}/{label}/")
    await expect(guide.page).to_have_title("open")
    await guide.page.locator("#handle").fill("grace")
    await guide.page.locator("#message").fill("hi from the guide")
    await guide.page.locator("#go").click()
    await ada.sees("hi from the guide")
    await ada.write("hi from here")
    rows = guide.page.locator("#chat tr")
    await expect(rows).to_have_count(2)
    await expect(rows.nth(0).locator("td").nth(1)).to_have_text("grace")
    await expect(rows.nth(1).locator("td").nth(2)).to_have_text("hi from here")
    await expect(rows.nth(1).locator("td").nth(0)).to_have_text(
        re.compile(r"^[A-Z][a-z]{2} \d{1,2} \d{1,2}:\d\d [AP]M$")
    )
