"""How the pages look: the same from server and browser, still, legible, in every width, scheme and medium."""

import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.web.conftest import Program, Visit
from tests.web.messages import HARD, LONG

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

type Meet = Callable[[str], Program]

MARKUP = """() => [...document.querySelectorAll('#lines > *:not(.unread)')].map((line) => {
  const copy = line.cloneNode(true);
  copy.classList.remove('landed', 'mine');
  const attributes = [...copy.attributes].map(({ name, value }) => [name, name === 'class' ? value.split(' ').sort().join(' ') : value]);
  return [attributes.sort(), copy.innerHTML];
})"""

SHIFTS = """() => new Promise((resolve) => {
  new PerformanceObserver((list) => resolve(list.getEntries().map(({ value }) => value))).observe({ type: 'layout-shift', buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => resolve([])));
})"""

CONTRASTS = """() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const light = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const line = document.querySelector('.line.mine');
  const on = getComputedStyle(line).backgroundColor;
  const paper = getComputedStyle(document.body).backgroundColor;
  const found = {};
  for (let hue = 0; hue < 16; hue++) {
    line.className = `line mine lead h${hue}`;
    const color = getComputedStyle(line.querySelector('.handle')).color;
    found[`handle ${hue}`] = Math.min(contrast(color, on), contrast(color, paper));
  }
  for (const name of ['.seq', '.by time', '.text']) {
    const color = getComputedStyle(line.querySelector(name)).color;
    found[name] = Math.min(contrast(color, on), contrast(color, paper));
  }
  return found;
}"""


async def test_a_line_is_the_same_from_the_server_and_from_the_browser(visit: Visit, program: Meet, label: str) -> None:
    grace, linus = program("grace"), program("linus")
    grace.opens(label)
    ada = await visit()
    await ada.enter(label)
    grace.says(label, *HARD)
    linus.says(label, "and then", "another")
    grace.changes(label, title="The garden")
    grace.says(label, "last")
    await ada.sees("last")
    live = await ada.page.evaluate(MARKUP)
    await ada.page.route("**/room.js", lambda route: route.abort())
    await ada.page.reload()
    served = await ada.page.evaluate(MARKUP)
    assert served == live
    assert await ada.texts() == [*HARD, "and then", "another", "last"]


async def test_lines_of_older_pages_are_the_same_too(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *HARD, *(f"filler {number}" for number in range(60)))
    ada = await visit()
    await ada.enter(label)
    await ada.scroll("scroller.scrollTop = -scroller.scrollHeight")
    await ada.sees_lines(len(HARD) + 60)
    count = len(HARD) + 1
    fetched = (await ada.page.evaluate(MARKUP))[:count]
    await ada.page.route("**/room.js", lambda route: route.abort())
    await ada.page.goto(f"{ada.base}/{label}/?around=10")
    assert (await ada.page.evaluate(MARKUP))[:count] == fetched


async def test_nothing_moves_when_the_scripts_arrive(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *HARD)
    ada = await visit()
    await ada.page.goto(ada.base)
    await ada.enter(label)
    assert sum(await ada.page.evaluate(SHIFTS)) < 0.005


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_handle_and_number_has_enough_contrast(visit: Visit, label: str, scheme: str) -> None:
    ada = await visit(color_scheme=scheme)
    await ada.enter(label)
    await ada.write("hello")
    await ada.sees("hello")
    await expect(ada.page.locator(".landed")).to_have_count(0)
    await ada.page.locator(".seq").last.evaluate("seq => Promise.all(seq.getAnimations().map(a => a.finished))")
    contrasts = await ada.page.evaluate(CONTRASTS)
    assert {name: value for name, value in contrasts.items() if value < 4.5} == {}


@pytest.mark.parametrize("width", [320, 390, 768, 2560])
async def test_nothing_sticks_out_at_any_width(visit: Visit, program: Meet, label: str, width: int) -> None:
    program("grace").says(label, *HARD)
    ada = await visit(viewport={"width": width, "height": 844})
    await ada.enter(label)
    await ada.page.locator(".unfold").last.click()
    assert await ada.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await ada.page.evaluate("scroller.scrollWidth <= scroller.clientWidth")
    chars = await ada.page.evaluate(
        "parseFloat(getComputedStyle(document.querySelector('.text')).inlineSize)"
        " / parseFloat(getComputedStyle(document.body).getPropertyValue('--measure')) * 68"
    )
    assert chars < 76
    await expect(ada.page.locator("#write")).to_be_in_viewport()


async def test_the_page_can_be_read_without_scripts(visit: Visit, program: Meet, label: str) -> None:
    program("grace").says(label, *(f"line number {number}" for number in range(2, 72)), LONG, "the newest")
    ada = await visit(java_script_enabled=False)
    await ada.page.goto(f"{ada.base}/{label}/")
    await expect(ada.page.get_by_text("the newest", exact=True)).to_be_in_viewport()
    await expect(ada.page.get_by_text("Writing needs JavaScript")).to_be_visible()
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
        ring = await ada.page.evaluate(
            "(() => { const at = document.activeElement; const box = at.closest('.composer') ?? at;"
            " return at === document.body ? 'none' : getComputedStyle(box).outlineStyle; })()"
        )
        assert re.match("solid|none", ring)
        assert ring == "solid" or await ada.page.evaluate("document.activeElement === document.body")
