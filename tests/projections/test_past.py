"""The room as it was: `as_of` any seq shows what a client that was live then had on its screen."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import product
from typing import Any

import msgspec
import pytest

from commands.amending import EditMessage, RedactMessage
from commands.clock import from_rfc3339
from commands.errors import AfterBeyondHead, NotFound, ProjectionBehind, Refusal
from commands.handlers import Command
from commands.message import PostMessage
from commands.reaction import React, Unreact
from commands.rules import ChangeRoom
from projections.queries import Page
from tests.cast import ADA, GARDEN, GENERAL, GRACE, LINUS
from tests.projections.deployment import Deployment, tables
from tests.projections.screen import Line, Screen

PEOPLE = (ADA, GRACE, LINUS)
COMMANDS = 2000
FEWER = COMMANDS if os.environ.get("CHAOS") == "long" else 400
"""On the second database: `CHAOS=long` as many."""
LIMIT = 7
SEED = 20261123

type Expected = tuple[list[Line], str, str, bool, bool]


async def test_a_page_of_the_past_is_what_was_on_the_screen(deployment: Deployment, database: str) -> None:
    commands = COMMANDS if database.startswith("sqlite") else FEWER
    await talk(deployment, random.Random(SEED), commands)
    await deployment.project()
    facts = await deployment.log.read_all(after=0, limit=2 * commands)
    assert len(facts) > commands / 2
    gone = {fact.recorded.subject.removeprefix("message:") for fact in facts if "redacted" in fact.recorded.topic}
    assert gone
    screen = Screen()
    for fact in facts:
        screen.hear(fact)
        seq = fact.recorded.seq
        here = [line["seq"] for line in screen.page(None, None)]
        middle = here[len(here) // 2] if here else 1
        pages: list[tuple[dict[str, Any], Expected]] = [
            ({"after": 0}, shown(screen, 0, LIMIT)),
            ({}, shown(screen, max(0, len(here) - LIMIT), len(here))),
            ({"after": middle}, shown(screen, len(here) // 2 + 1, len(here) // 2 + 1 + LIMIT)),
        ]
        asked = [
            deployment.page(limit=LIMIT, as_of=seq, auditor=auditor, **wanted)
            for auditor in (True, False)
            for wanted, _ in pages
        ]
        expected = [page for _, page in pages] + [as_readers_see(page, gone) for _, page in pages]
        found = await asyncio.gather(*asked)
        assert [told(page) for page in found] == expected, seq
        assert {page.head_seq for page in found} == {facts[-1].recorded.seq}


async def talk(deployment: Deployment, chosen: random.Random, commands: int) -> None:
    """Random commands of random people, most of them about one of the latest messages."""
    posted: list[str] = []
    for _ in range(commands):
        with suppress(Refusal):
            receipt = await deployment.do(chosen.choice(PEOPLE), a_command(chosen, posted[-12:]))
            if receipt.message_id:
                posted.append(receipt.message_id)


def a_command(chosen: random.Random, recent: list[str]) -> Command:
    text = f'{chosen.random()} "é" \\ "message":null,"redacted":true,"reply_to":'
    if not recent or chosen.random() < 0.3:
        reply_to = chosen.choice(recent) if recent and chosen.random() < 0.3 else None
        return PostMessage(room=GENERAL, message=text, reply_to=reply_to)
    message_id, emoji = chosen.choice(recent), chosen.choice("👍🫖")
    makers: list[Callable[[], Command]] = [
        lambda: EditMessage(room=GENERAL, message_id=message_id, message=text),
        lambda: React(room=GENERAL, message_id=message_id, emoji=emoji),
        lambda: Unreact(room=GENERAL, message_id=message_id, emoji=emoji),
        lambda: RedactMessage(room=GENERAL, message_id=message_id),
        lambda: ChangeRoom(room=GENERAL, title=text[:20]),
        lambda: ChangeRoom(room=GENERAL, topic=text[:20]),
    ]
    return chosen.choices(makers, [8, 6, 4, 2, 1, 1])[0]()


def shown(screen: Screen, first: int, last: int) -> Expected:
    """A page that begins and ends at these places of the screen."""
    lines = screen.page(first, last)
    return lines, screen.title, screen.topic, not screen.page(0, first), last >= len(screen.lines)


def told(page: Page) -> Expected:
    """The same of a page that was read."""
    body = msgspec.json.decode(page.json())
    lines = [{name: item[name] for name in Screen.FIELDS} for item in body["items"]]
    return lines, body["title"], body["topic"], body["found_oldest"], body["found_newest"]


def as_readers_see(expected: Expected, gone: set[str]) -> Expected:
    lines = [line | {"message": None, "redacted": True} if line["message_id"] in gone else line for line in expected[0]]
    return lines, *expected[1:]


async def test_a_time_is_the_last_event_of_that_time(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "helo")
    about = {"room": GENERAL, "message_id": posted.message_id or ""}
    await deployment.do(ADA, EditMessage(message="hello", **about))
    await deployment.do(ADA, ChangeRoom(room=GENERAL, title="Later"))
    await deployment.do(GRACE, React(emoji="👍", **about))
    await deployment.project()
    facts = await deployment.log.read_room(GENERAL, after=0)
    times = [(fact.recorded.seq, fact.event.occurred_at) for fact in facts if fact.event]
    for _, then in times:
        last = [seq for seq, time in times if time <= then][-1]
        page = await deployment.page(as_of_time=then)
        assert told(page) == told(await deployment.page(as_of=last))
    assert told(await deployment.page(as_of_time=from_rfc3339("2000-01-01T00:00:00Z")))[0] == []
    assert told(await deployment.page(as_of_time=2**50)) == told(await deployment.page(as_of=5))


async def test_before_the_first_event_there_is_nothing_and_beyond_the_head_no_moment(deployment: Deployment) -> None:
    await deployment.say(ADA, "hello")
    await deployment.project()
    for seq in (-5, 0, 1):
        page = await deployment.page(as_of=seq)
        assert (page.items, page.found_oldest, page.found_newest, page.head_seq) == ([], True, True, 2)
    assert len((await deployment.page(as_of=2)).items) == 1
    with pytest.raises(AfterBeyondHead):
        await deployment.page(as_of=3)
    with pytest.raises(AfterBeyondHead):
        await deployment.page(GARDEN, as_of=1)


async def test_a_moment_that_the_history_has_not_reached_is_waited_for(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await deployment.say(ADA, "one")
    await deployment.project()
    await deployment.say(ADA, "two")
    monkeypatch.setattr("projections.waiting.WAIT_S", 0.1)
    with pytest.raises(ProjectionBehind):
        await deployment.page(as_of=3)
    await deployment.project()
    assert len((await deployment.page(as_of=3)).items) == 2


async def test_what_was_redacted_a_moment_ago_is_hidden_in_the_past_as_well(deployment: Deployment) -> None:
    (posted,) = await deployment.say(ADA, "secret")
    await deployment.project()
    await deployment.do(ADA, RedactMessage(room=GENERAL, message_id=posted.message_id or ""))
    assert told(await deployment.page(as_of=2))[0][0]["message"] is None
    assert told(await deployment.page(as_of=2, auditor=True))[0][0]["message"] == "secret"
    assert told(await deployment.page(as_of=2, auditor=True, limit=1))[0][0]["redacted"] is False


async def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, work: Callable[[], Awaitable[Any]]) -> int:
    """How often a method is called."""
    calls: list[object] = []
    original = getattr(owner, name)

    async def counting(*args: Any, **named: Any) -> Any:
        calls.append(args)
        return await original(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, counting)
        await work()
    return len(calls)


async def test_a_page_costs_the_same_however_often_its_messages_were_edited(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = await deployment.say(ADA, "one", "two")
    for receipt in posted:
        for i in range(20):
            await deployment.do(ADA, EditMessage(room=GENERAL, message_id=receipt.message_id or "", message=f"{i}"))
    await deployment.do(ADA, RedactMessage(room=GENERAL, message_id=posted[0].message_id or ""))
    await deployment.project()
    for seq in (3, 10, 30, 43):
        for auditor in (False, True):

            async def read(seq: int = seq, auditor: bool = auditor) -> Page:
                return await deployment.page(as_of=seq, auditor=auditor)

            assert await counted(monkeypatch, deployment.queries._read, "rows", read) == 1
            assert await counted(monkeypatch, deployment.parts.store, "read_last", read) == (auditor and seq < 44)


async def test_the_texts_of_a_message_go_when_it_is_redacted_in_the_same_batch_or_later(deployment: Deployment) -> None:
    for batch in (1, 2000):
        (posted,) = await deployment.say(ADA, "first secret")
        about = {"room": GENERAL, "message_id": posted.message_id or ""}
        await deployment.do(ADA, EditMessage(message="second secret", **about))
        await deployment.do(GRACE, React(emoji="👍", **about))
        await deployment.do(ADA, RedactMessage(**about))
        await deployment.project(batch=batch)
    assert "secret" not in repr(tables())


async def test_a_thread_is_the_message_that_began_it_and_what_answers_to_it(deployment: Deployment) -> None:
    async def reply(text: str, to: str | None) -> str:
        receipt = await deployment.do(ADA, PostMessage(room=GENERAL, message=text, reply_to=to))
        await deployment.project()
        return receipt.message_id or ""

    root = await reply("root", None)
    lonely = await reply("lonely", None)
    first = await reply("first", root)
    second = await reply("second", first)
    await reply("other", lonely)
    third = await reply("third", root)
    for member in (root, first, second, third):
        page = await deployment.page(thread=member, limit=3)
        assert texts(page) == ["first", "second", "third"]
        assert (page.found_oldest, page.found_newest) == (False, True)
        assert texts(await deployment.page(thread=member, before=4, limit=3)) == ["root"]
        assert texts(await deployment.page(thread=member, as_of=5)) == ["root", "first", "second"]
    assert texts(await deployment.page(thread=root, as_of=3)) == ["root"]
    with pytest.raises(NotFound):
        await deployment.page(thread="0" * 32)
    alone = await reply("alone", None)
    assert texts(await deployment.page(thread=alone)) == ["alone"]


async def test_a_time_in_a_thread_is_the_last_event_of_the_room_at_that_time(deployment: Deployment) -> None:
    (root, lonely) = await deployment.say(ADA, "root", "lonely")
    for text in ("first", "second"):
        await deployment.do(GRACE, PostMessage(room=GENERAL, message=text, reply_to=root.message_id))
        await deployment.say(ADA, "between")
    await deployment.project()
    facts = await deployment.log.read_room(GENERAL, after=0)
    times = [(fact.recorded.seq, fact.event.occurred_at) for fact in facts if fact.event]
    for thread, limit, (_, then) in product((root.message_id, lonely.message_id), (1, 2, 3), [(0, 0), *times]):
        last = [0, *(seq for seq, time in times if time <= then)][-1]
        for as_of in (None, 4, 6):
            page = await deployment.page(thread=thread, at=then, limit=limit, as_of=as_of)
            assert page == await deployment.page(thread=thread, around=last, limit=limit, as_of=as_of)


def texts(page: Page) -> list[str]:
    return [msgspec.json.decode(item)["message"] for item in page.items]


async def test_the_tape_has_points_from_the_first_message_to_the_last(deployment: Deployment) -> None:
    await deployment.say(ADA, *map(str, range(50)))
    await deployment.project()
    tape = await deployment.queries.tape(GENERAL, points=10)
    assert tape.head_seq == 51
    assert [seq for seq, _ in tape.points] == [6, 11, 16, 21, 26, 31, 36, 41, 46, 51]
    assert [time for _, time in tape.points] == sorted(time for _, time in tape.points)
    assert [seq for seq, _ in (await deployment.queries.tape(GENERAL, points=500)).points] == list(range(2, 52))
    assert await deployment.queries.tape(GARDEN) == (0, [])
