"""The main job, seen from two browsers in one room."""

import asyncio
import re
from collections.abc import Callable

import pytest
from playwright.async_api import expect

from tests.acceptance.deployment import Web
from tests.cable import Cable
from tests.servers import LOOPBACK
from tests.web.conftest import Program, Visit

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]

CUT_MS = 5_000
COUNT_SENT = "() => document.querySelectorAll('#lines .pending').length"


async def test_two_people_see_each_others_messages_in_the_same_order(visit: Visit, label: str) -> None:
    ada, grace = await visit(), await visit()
    await ada.enter(label)
    await grace.enter(label)
    await ada.rename("ada")
    await grace.rename("grace")
    for turn in range(10):
        await ada.write(f"ada says {turn}")
        await grace.write(f"grace says {turn}")
    await ada.sees_lines(20)
    await grace.sees_lines(20)
    assert await ada.lines() == await grace.lines()
    assert [seq for seq, _ in await ada.lines()] == list(range(2, 22))
    assert [text for text in await grace.texts() if text.startswith("ada")] == [
        f"ada says {turn}" for turn in range(10)
    ]
    await expect(grace.page.locator(".line:not(.mine) .handle").first).to_have_text("ada")


async def test_who_was_cut_off_for_five_seconds_gets_exactly_what_was_missed(
    visit: Visit, web: Web, label: str
) -> None:
    async with Cable(web.port) as cable:
        ada, grace = await visit(), await visit(f"http://{LOOPBACK}:{cable.port}")
        await ada.enter(label)
        await grace.enter(label)
        await ada.write("before")
        await grace.sees("before")
        cable.cut()
        await expect(grace.page.locator("#wire")).to_have_text("Reconnecting…")
        for number in range(12):
            await ada.write(f"meanwhile {number}")
        await grace.write("mine, written in the dark")
        await ada.sees_lines(13)
        await ada.page.wait_for_timeout(CUT_MS)
        assert await grace.texts() == ["before"]
        cable.mend()
        await grace.live()
        await grace.sees_lines(14)
        await expect(grace.page.locator("#wire")).to_be_empty()
        await ada.sees("mine, written in the dark")
        assert await grace.lines() == await ada.lines()
        assert [seq for seq, _ in await grace.lines()] == list(range(2, 16))


async def test_a_long_absence_is_made_up_for_page_by_page(
    visit: Visit, web: Web, program: Callable[[str], Program], label: str
) -> None:
    grace, meanwhile = program("grace"), [f"line number {number}" for number in range(650)]
    async with Cable(web.port) as cable:
        ada = await visit(f"http://{LOOPBACK}:{cable.port}")
        await ada.enter(label)
        cable.cut()
        await expect(ada.page.locator("#wire")).to_have_text("Reconnecting…")
        await asyncio.to_thread(grace.says, label, *meanwhile)
        cable.mend()
        await ada.sees_lines(650)
        assert await ada.texts() == meanwhile


async def test_a_connection_that_went_silent_is_given_up_and_nothing_is_lost(
    visit: Visit, web: Web, label: str
) -> None:
    async with Cable(web.port) as cable:
        ada, grace = await visit(), await visit(f"http://{LOOPBACK}:{cable.port}")
        await ada.enter(label)
        await grace.enter(label)
        cable.silence()
        await grace.page.evaluate("dispatchEvent(new Event('offline'))")
        await ada.write("into the silence")
        await grace.write("out of the silence")
        await expect(grace.page.locator("#wire")).to_have_text("Reconnecting…", timeout=10_000)
        cable.cut()
        cable.mend()
        await grace.sees("into the silence")
        await ada.sees("out of the silence")
        await grace.sees("out of the silence")
        await grace.sees_lines(2)
        assert await grace.lines() == await ada.lines()


async def test_a_line_is_grey_without_a_number_until_it_is_recorded(visit: Visit, web: Web, label: str) -> None:
    async with Cable(web.port) as cable:
        ada = await visit(f"http://{LOOPBACK}:{cable.port}")
        await ada.enter(label)
        cable.silence()
        await ada.write("on its way")
        line = ada.page.locator(".line", has_text="on its way")
        await expect(line).to_have_class(re.compile("pending"))
        await expect(line.locator(".seq")).to_be_empty()
        cable.mend()
        await expect(line.locator(".seq")).to_have_text("2")
        await expect(line).to_have_class(re.compile("landed"))
        await expect(line).not_to_have_class(re.compile("pending|landed"))
        await ada.sees_lines(1)


async def test_unsent_lines_outlive_a_reload_and_are_recorded_once(visit: Visit, web: Web, label: str) -> None:
    async with Cable(web.port) as cable:
        ada, grace = await visit(f"http://{LOOPBACK}:{cable.port}"), await visit()
        await ada.enter(label)
        await grace.enter(label)
        cable.silence()
        await ada.write("first")
        await ada.write("second")
        await ada.page.locator("#write").fill("a draft")
        cable.cut()
        cable.mend()
        await ada.page.reload()
        await grace.sees_lines(2)
        await ada.sees_lines(2)
        assert await grace.texts() == ["first", "second"]
        assert await ada.lines() == await grace.lines()
        assert await ada.page.evaluate(COUNT_SENT) == 0
        await expect(ada.page.locator("#write")).to_have_value("a draft")
