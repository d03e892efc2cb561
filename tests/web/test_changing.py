"""Lines that change: answers, edits, versions, reactions, removals; the same live and on a fresh page."""

import re

import pytest
from playwright.async_api import Locator, expect

from tests.web.conftest import Visit
from tests.web.visitor import LINES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

SHOWN = """() => [...document.querySelectorAll('#lines .line:not(.record)')].map((line) => ({
    seq: line.dataset.seq, text: line.querySelector('.text').textContent,
    reply: line.querySelector('.reply')?.textContent.replace(/\\s+/g, ' ').trim() ?? null,
    edited: Boolean(line.querySelector('.edited')),
    reactions: [...line.querySelectorAll('.chip')].map((chip) => chip.textContent),
}))"""


def line(visitor: Visitor, text: str) -> Locator:
    return visitor.page.locator(LINES).filter(has=visitor.page.locator(".text").get_by_text(text, exact=True))


async def do(visitor: Visitor, text: str, deed: str) -> None:
    """Press a button of a line's bar."""
    await line(visitor, text).locator(".text").hover()
    await visitor.page.locator(".deeds").get_by_role("button", name=deed, exact=True).click()


async def meet(visit: Visit, label: str) -> tuple[Visitor, Visitor]:
    """Ada and Grace in a room; Ada has written two lines."""
    ada, grace = await visit(), await visit()
    for visitor, handle in ((ada, "Ada"), (grace, "Grace")):
        await visitor.enter(label)
        await visitor.rename(handle)
    await ada.write("helo world")
    await ada.write("a slip of the tongue")
    await grace.sees("a slip of the tongue")
    return ada, grace


async def answer_edit_and_remove(ada: Visitor, grace: Visitor) -> None:
    await do(grace, "helo world", "Reply")
    await expect(grace.page.locator("#task")).to_contain_text("Answering Ada, line 2")
    await grace.write("hello yourself")
    await expect(line(ada, "hello yourself").locator(".reply")).to_have_text(re.compile(r"Ada\s+helo world"))
    await do(ada, "helo world", "Edit")
    assert await ada.page.locator("#write").input_value() == "helo world"
    await ada.write("hello, world")
    await grace.sees("hello, world")
    await do(ada, "a slip of the tongue", "Remove")
    await ada.page.locator(".deeds").get_by_role("button", name="Remove for everybody").click()
    await expect(grace.page.locator(".gone")).to_have_text("This line was removed by its author.")


async def test_what_changes_is_seen_by_everybody_at_once_and_on_a_fresh_page(visit: Visit, label: str) -> None:
    ada, grace = await meet(visit, label)
    await answer_edit_and_remove(ada, grace)
    await do(grace, "hello, world", "React")
    await grace.page.get_by_role("button", name="React with 🎉").click()
    await expect(line(ada, "hello, world").locator(".chip")).to_have_text("🎉 1")
    await line(ada, "hello, world").locator(".chip").click()
    await expect(line(grace, "hello, world").locator(".chip")).to_have_text("🎉 2")
    live = await grace.page.evaluate(SHOWN)
    assert live == [
        {"seq": "2", "text": "hello, world", "reply": None, "edited": True, "reactions": ["🎉 2"]},
        {"seq": "3", "text": "This line was removed by its author.", "reply": None, "edited": False, "reactions": []},
        {"seq": "4", "text": "hello yourself", "reply": "Ada hello, world", "edited": False, "reactions": []},
    ]
    await grace.page.reload()
    await grace.live()
    assert await grace.page.evaluate(SHOWN) == live


async def test_a_reaction_is_taken_back_also_after_a_reload(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.write("hello")
    await ada.sees("hello")
    await do(ada, "hello", "React")
    await ada.page.get_by_role("button", name="React with 👍").click()
    chip = line(ada, "hello").locator(".chip")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await ada.page.reload()
    await ada.live()
    await chip.click()
    await expect(chip).to_have_count(0)


async def test_up_edits_the_last_line_escape_keeps_it_and_its_versions_can_be_read(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.write("first")
    await ada.sees("first")
    box = ada.page.locator("#write")
    await box.press("ArrowUp")
    await expect(ada.page.locator("#task")).to_contain_text("Editing line 2")
    await box.fill("never mind")
    await box.press("Escape")
    await expect(box).to_have_value("")
    for text in ("second", "third"):
        await box.press("ArrowUp")
        await ada.write(text)
        await ada.sees(text)
    await ada.page.locator(".edited").click()
    versions = ada.page.locator(".versions li span")
    await expect(versions).to_have_text(["first", "second", "third"])
    await ada.page.locator(".edited").click()
    await expect(versions).to_have_count(0)


async def test_what_is_refused_is_said_at_the_line(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.write("hello")
    await ada.sees("hello")
    await ada.page.evaluate("document.querySelector('.line.mine').dataset.message = '0'.repeat(32)")
    await do(ada, "hello", "Remove")
    await ada.page.locator(".deeds").get_by_role("button", name="Remove for everybody").click()
    await expect(ada.page.locator(".line .fault")).to_be_visible()
    await ada.sees("hello")
