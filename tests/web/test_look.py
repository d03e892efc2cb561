"""How the pages look: the same from server and browser, still, legible, in every width, scheme and medium."""

from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.web.conftest import Program, Visit
from tests.web.messages import HARD, LONG

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

type Meet = Callable[[str], Program]


async def test_a_line_is_the_same_from_the_server_and_from_the_browser(visit: Visit, program: Meet, label: str) -> None:
    grace, linus = program("grace"), program("linus")
    grace.says(label, "first")
    ada = await visit()
    await ada.enter(label)
    grace.says(label, *HARD)
    linus.says(label, "and then", "another")
    grace.changes(label, title="The garden")
    position = grace.says(label, "last")
    await ada.sees("last")
    live = await ada.measure("markup")
    grace.reads(label, min_position=position)
    await ada.page.route("**/room.js", lambda route: route.abort())
    await ada.page.reload()
    served = await ada.measure("markup")
    assert served == live
    assert await ada.texts() == ["first", *HARD, "and then", "another", "last"]


async def test_lines_of_older_pages_are_the_same_too(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *HARD, *(f"filler {number}" for number in range(60)))
    ada = await visit()
    await ada.enter(label)
    await ada.scroll("scroller.scrollTop = -scroller.scrollHeight")
    await ada.sees_lines(len(HARD) + 60)
    count = len(HARD) + 1
    fetched = (await ada.measure("markup"))[:count]
    await ada.page.route("**/room.js", lambda route: route.abort())
    await ada.page.goto(f"{ada.base}/{label}/?around=10")
    assert (await ada.measure("markup"))[:count] == fetched


async def test_nothing_moves_when_the_scripts_arrive(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *HARD)
    ada = await visit()
    await ada.page.goto(ada.base)
    await ada.enter(label)
    assert await ada.measure("shifts") < 0.005


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_handle_and_number_has_enough_contrast(visit: Visit, label: str, scheme: str) -> None:
    ada = await visit(color_scheme=scheme)
    await ada.enter(label)
    await ada.write("hello")
    await ada.sees("hello")
    await expect(ada.page.locator(".landed")).to_have_count(0)
    await ada.page.locator(".seq").last.evaluate("seq => Promise.all(seq.getAnimations().map(a => a.finished))")
    contrasts = await ada.measure("contrasts")
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


@pytest.mark.parametrize("width", [320, 390, 768, 2560])
async def test_nothing_sticks_out_at_any_width(visit: Visit, program: Meet, label: str, width: int) -> None:
    program("grace").says(label, *HARD)
    ada = await visit(viewport={"width": width, "height": 844})
    await ada.enter(label)
    await ada.page.locator(".unfold").last.click()
    assert await ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await ada.page.evaluate("scroller.scrollWidth <= scroller.clientWidth")
    assert await ada.measure("columnChars") < 76
    await expect(ada.page.locator("#write")).to_be_in_viewport()


async def test_the_page_can_be_read_without_scripts(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *(f"line number {number}" for number in range(2, 72)), LONG, "the newest")
    ada = await visit(java_script_enabled=False)
    await ada.page.goto(f"{ada.base}/{label}/")
    await expect(ada.page.get_by_text("the newest", exact=True)).to_be_in_viewport()
    await expect(ada.page.locator("noscript p")).to_be_visible()
    await expect(ada.page.locator(".unfold")).to_be_hidden()
    await ada.page.locator("#earlier").click()
    await expect(ada.page.get_by_text("line number 5", exact=True)).to_be_attached()
    await ada.page.goto(f"{ada.base}/{label}/?around=30#30")
    await expect(ada.page.get_by_text("line number 30", exact=True)).to_be_in_viewport()


async def test_the_scheme_can_be_set_and_is_remembered(visit: Visit, label: str) -> None:
    ada = await visit(color_scheme="light")
    await ada.enter(label)
    light = await ada.page.evaluate("getComputedStyle(document.body).backgroundColor")
    await ada.page.get_by_label("Light or dark").click()
    dark = await ada.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark != light
    await ada.page.route("**/*.js", lambda route: route.abort())
    await ada.page.goto(ada.base)
    assert await ada.page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


async def test_print_is_a_clean_transcript(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *(f"line number {number}" for number in range(2, 42)), LONG)
    ada = await visit()
    await ada.enter(label)
    await ada.page.emulate_media(media="print")
    for what in ("#composer", "#wire", ".theme", ".about", ".unfold"):
        await expect(ada.page.locator(what).first).to_be_hidden()
    assert await ada.page.evaluate("document.documentElement.scrollHeight") > 3_000
    assert await ada.page.evaluate("getComputedStyle(document.querySelector('.fold')).maxHeight") == "none"


async def test_focus_can_always_be_seen(visit: Visit, label: str) -> None:
    ada = await visit()
    await ada.enter(label)
    await ada.write("hello")
    await ada.sees("hello")
    await ada.page.evaluate("document.activeElement.blur()")
    for _ in range(12):
        await ada.page.keyboard.press("Tab")
        assert await ada.measure("focusRing") == "solid"
