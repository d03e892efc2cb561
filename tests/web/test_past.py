"""The time machine: the room as it was, its replay, and the way back."""

import asyncio
import re
import time

import pytest
from playwright.async_api import Route, expect

from tests.web.conftest import Program, Visit
from tests.web.test_room import Meet
from tests.web.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
LASTS_S = 2.5
"""A replay takes as long as the room did: long enough for its button to be seen and used."""


def numbered(first: int, last: int) -> list[str]:
    return [f"line number {number}" for number in range(first, last + 1)]


def change(grace: Program, label: str, lasts_s: float = 0) -> None:
    """Lines 2 to 11; then line 3 is edited, line 4 removed, line 5 reacted to; so much later line 15."""
    position = grace.says(label, *numbered(2, 11))
    ids = {item["seq"]: item["message_id"] for item in grace.reads(label, min_position=position)}
    grace.asks("PATCH", f"{label}/messages/{ids[3]}", message="line number three")
    grace.asks("DELETE", f"{label}/messages/{ids[4]}")
    grace.asks("PUT", f"{label}/messages/{ids[5]}/reactions/👍")
    time.sleep(lasts_s)
    grace.reads(label, min_position=grace.says(label, "line number 15"))


async def shows(visitor: Visitor, *texts: str) -> None:
    await expect(visitor.page.locator("#lines .line:not(.record) .text")).to_have_text(list(texts))


async def test_a_moment_in_the_address_shows_the_room_as_it_was(visit: Visit, program: Meet, label: str) -> None:
    grace = program("grace")
    change(grace, label)
    ada = await visit()
    await ada.page.goto(f"{ada.base}/{label}/?as_of=11")
    texts = numbered(2, 11)
    texts[2] = "This line was removed by its author."
    await shows(ada, *texts)
    await expect(ada.page.locator("#then")).to_contain_text("line 11")
    await expect(ada.page.locator("#write")).to_be_hidden()
    await expect(ada.page.locator(".edited, .chip")).to_have_count(0)
    grace.says(label, "live")
    await ada.page.get_by_role("link", name="Back to now").click()
    await ada.live()
    texts[1] = "line number three"
    await shows(ada, *texts, "line number 15", "live")
    await expect(ada.page.locator("#then")).to_be_hidden()


async def test_the_tape_leads_to_any_moment_and_live_lines_stay_out(visit: Visit, program: Meet, label: str) -> None:
    grace = program("grace")
    change(grace, label)
    ada = await visit()
    await ada.enter(label)
    tape = ada.page.locator("#tape")
    await tape.focus()
    await tape.press("Home")
    await expect(ada.page.locator("#then")).to_contain_text("line 1")
    await shows(ada)
    for _ in range(3):
        await tape.press("ArrowDown")
    await shows(ada, "line number 2", "line number 3", "This line was removed by its author.")
    await expect(ada.page).to_have_url(re.compile(r"\?as_of=4$"))
    grace.says(label, "not now")
    await expect(ada.page.locator("#arrived")).to_be_visible()
    assert "not now" not in await ada.texts()
    box = await tape.bounding_box()
    assert box
    await ada.page.mouse.click(box["x"] + 3, box["y"] + box["height"] - 1)
    await expect(ada.page.locator("#lines")).to_contain_text("line number 15")


async def test_the_room_plays_on_from_there_and_can_be_held(visit: Visit, program: Meet, label: str) -> None:
    grace = program("grace")
    change(grace, label, LASTS_S)
    ada = await visit()
    await ada.enter(label, "?as_of=2")
    await shows(ada, "line number 2")
    await ada.page.locator("#speed").select_option("1000")
    await ada.page.locator("#play").click()
    await expect(ada.page.locator("#lines")).to_contain_text("line number 15")
    await expect(ada.page.locator("#play")).to_have_text("Play")
    texts = numbered(2, 11)
    texts[1:3] = ["line number three", "This line was removed by its author."]
    await shows(ada, *texts, "line number 15")
    await expect(ada.page.locator(".chip")).to_have_text("👍 1")
    await expect(ada.page.locator("#then")).to_contain_text("line 15")
    tape = ada.page.locator("#tape")
    await tape.focus()
    await tape.press("Home")
    await shows(ada)
    await ada.page.locator("#speed").select_option("1")
    await ada.page.locator("#play").click()
    await expect(ada.page.locator("#play")).to_have_text("Pause")
    await expect(ada.page.locator("#lines")).to_contain_text("line number 2")
    await ada.page.locator("#play").click()
    await expect(ada.page.locator("#play")).to_have_text("Play")


async def test_what_is_removed_now_is_hidden_in_the_past_and_in_every_quote_too(
    visit: Visit, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.says(label, *numbered(2, 61))
    first = str(grace.reads(label, min_position=0)[0]["message_id"])
    grace.asks("POST", f"{label}/messages", message="an answer", reply_to=first)
    ada, linus = await visit(), await visit()
    await ada.enter(label)
    await expect(ada.page.locator(".reply[href]")).to_contain_text("line number 2")
    assert "line number 2" not in await ada.texts(), "what is quoted is not on the page"
    await linus.enter(label, "?as_of=3")
    await shows(linus, "line number 2", "line number 3")
    grace.asks("DELETE", f"{label}/messages/{first}")
    await expect(ada.page.locator(".reply[href]")).to_contain_text("This line was removed.")
    await shows(linus, "This line was removed by its author.", "line number 3")


async def test_the_past_quotes_what_was_said_then(visit: Visit, program: Meet, label: str) -> None:
    grace = program("grace")
    grace.says(label, *numbered(2, 61))
    first = str(grace.reads(label, min_position=0)[0]["message_id"])
    grace.asks("POST", f"{label}/messages", message="an answer", reply_to=first)
    grace.asks("PATCH", f"{label}/messages/{first}", message="something else")
    ada = await visit()
    await ada.enter(label)
    await expect(ada.page.locator(".reply[href]")).to_contain_text("something else")
    await ada.enter(label, "?as_of=62")
    await expect(ada.page.locator(".reply[href]")).to_contain_text("line number 2")


async def test_a_replay_that_was_cut_off_goes_on(visit: Visit, program: Meet, label: str) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, *numbered(2, 11)))
    ada = await visit()
    await ada.enter(label, "?as_of=2")
    await ada.page.locator("#speed").select_option("1")
    await ada.page.context.set_offline(True)
    await ada.page.locator("#play").click()
    await ada.page.evaluate("dispatchEvent(new Event('offline'))")
    await expect(ada.page.locator("#wire")).to_contain_text("Reconnecting")
    await expect(ada.page.locator("#play")).to_have_text("Play")
    await ada.page.locator("#speed").select_option("1000")
    await ada.page.context.set_offline(False)
    await ada.live()
    await shows(ada, *numbered(2, 11))


async def test_the_end_of_the_tape_is_now_and_what_comes_does_not_move_the_past(
    visit: Visit, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, *numbered(2, 11)))
    ada = await visit()
    await ada.enter(label)
    tape = ada.page.locator("#tape")
    await expect(tape).to_have_attribute("aria-valuetext", "now")
    await tape.focus()
    await tape.press("ArrowUp")
    await shows(ada, *numbered(2, 10))
    grace.says(label, "line number 12")
    await expect(tape).to_have_attribute("aria-valuemax", "12")
    await expect(tape).to_have_attribute("aria-valuenow", "10")
    await ada.page.locator("#lines .line .text").first.hover()
    await expect(ada.page.locator(".deeds button")).to_have_text(["Copy link"])
    await tape.press("End")
    await ada.live()
    await shows(ada, *numbered(2, 12))
    await expect(ada.page.locator("#then")).to_be_hidden()


async def test_a_new_room_gets_its_tape_as_it_grows(visit: Visit, program: Meet, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.write("one")
    await ada.sees("one")
    await expect(ada.page.locator("#tape")).to_be_hidden()
    program("grace").says(label, "two", "three")
    await expect(ada.page.locator("#tape")).to_be_visible()


async def test_earlier_lines_that_come_too_late_are_not_mixed_into_the_past(
    visit: Visit, program: Meet, label: str
) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, *numbered(2, 131)))
    ada = await visit()
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await ada.page.route("**/messages?before=*", hold)
    await ada.enter(label)
    async with ada.page.expect_request("**/messages?before=*"):
        await ada.scroll("scroller.scrollTop = -scroller.scrollHeight")
    await ada.page.locator("#tape").focus()
    await ada.page.locator("#tape").press("PageUp")
    await expect(ada.page.locator("#then")).to_be_visible()
    async with ada.page.expect_response("**/messages?before=*"):
        released.set()
    await expect(ada.page.locator("#earlier")).to_be_attached()
    seqs = [seq for seq, _ in await ada.lines()]
    assert seqs == sorted(set(seqs))
