"""Storms: many who come back at once ask the store in turn, and most of them not at all."""

import asyncio
import resource
from collections import Counter
from typing import Any

import pytest
from pytest_django import Settings

from commands.amending import RedactMessage
from commands.subscription import Fact, Log
from realtime import admission, files, hubs
from realtime.admission import Admission
from realtime.conversation import Conversation
from tests.cast import ADA, GENERAL
from tests.realtime.client import Client
from tests.realtime.listener import Listener
from tests.realtime.raw import raw
from tests.realtime.test_hub import listen, recorded, until
from tests.realtime.world import World

MANY = 100


class Watched:
    """The log's methods, counted: calls, and how many at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        self.calls: Counter[str] = Counter()
        self.most_at_once = 0
        self._at_once = 0
        for name in names:
            monkeypatch.setattr(Log, name, self._watch(name, getattr(Log, name)))

    def _watch(self, name: str, method: Any) -> Any:
        async def watched(*what: Any, **where: Any) -> Any:
            self.calls[name] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                return await method(*what, **where)
            finally:
                self._at_once -= 1

        return watched


async def come_back(world: World, count: int, after: int) -> list[Listener]:
    listeners = [Listener(world, f"{n}", GENERAL) for n in range(count)]
    await asyncio.gather(*(listener.subscribe(after) for listener in listeners))
    return listeners


async def all_have(listeners: list[Listener], seq: int) -> None:
    await until(lambda: all(listener.last_seen() == seq for listener in listeners))
    for listener in listeners:
        listener.check()


async def test_reads_are_bounded_however_many_come_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fill(200)
    watched, looks = Watched(monkeypatch, "read_room"), Watched(monkeypatch, "head")
    await all_have(await come_back(world, MANY, after=0), 200)
    assert watched.most_at_once <= hubs.READS_AT_ONCE
    assert looks.most_at_once == 1


async def test_the_backlog_of_a_room_is_read_once_for_all_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.fill(200)
    watched = Watched(monkeypatch, "read_room")
    await all_have(await come_back(world, MANY, after=0), 200)
    assert watched.calls["read_room"] <= hubs.READS_AT_ONCE


async def test_the_same_while_much_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fill(200)
    watched = Watched(monkeypatch, "read_room")
    await listen(world, GENERAL)
    listeners = [Listener(world, f"{n}", GENERAL) for n in range(MANY)]

    async def talk() -> None:
        for n in range(50):
            await world.say(f"{n}")

    await asyncio.gather(talk(), *(listener.subscribe(0) for listener in listeners))
    await all_have(listeners, 250)
    assert watched.calls["read_room"] < MANY / 10


async def test_whoever_comes_first_is_served_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[str] = []

    async def note(self: Conversation, room: str, *rest: Any) -> None:
        await subscribe(self, room, *rest)
        served.append(self.visitor.identity.person)

    subscribe = Conversation.subscribe
    monkeypatch.setattr(Conversation, "subscribe", note)
    monkeypatch.setattr(world.hubs, "reads", asyncio.Semaphore(1))
    await world.fill(2)
    await come_back(world, 20, after=0)
    assert served == [f"guest:{n}" for n in range(20)]


async def test_what_was_let_out_live_is_kept_for_those_who_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.fill(2)
    await listen(world, GENERAL)
    for n in range(50):
        await world.say(f"{n}")
    await until(lambda: world.hubs._hubs[GENERAL].seq == 52)
    watched = Watched(monkeypatch, "read_room")
    await all_have(await come_back(world, MANY, after=2), 52)
    assert not watched.calls


async def test_a_redaction_takes_the_text_out_of_what_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.fill(2)
    await listen(world, GENERAL)
    receipt = await world.say("a secret")
    await world.say("harmless")
    redact = RedactMessage(room=GENERAL, message_id=receipt.message_id or "")
    await world.handlers.handle(redact, world.caller(ADA))
    await until(lambda: world.hubs._hubs[GENERAL].seq == 5)
    watched = Watched(monkeypatch, "read_room")
    (listener,) = await come_back(world, 1, after=2)
    await all_have([listener], 5)
    secret, harmless, _ = listener.mailbox.events()
    assert (secret["stub"], secret["data"], harmless["data"]["message"]) == ("redacted", {}, "harmless")
    assert not watched.calls


async def test_a_redaction_that_the_hub_has_not_heard_of_is_asked_of_the_store(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "WATCH_S", 60)
    await world.fill(2)
    await listen(world, GENERAL)
    receipt = await world.say("a secret")
    await until(lambda: world.hubs._hubs[GENERAL].seq == 3)
    world.deaf = True
    redact = RedactMessage(room=GENERAL, message_id=receipt.message_id or "")
    await world.handlers.handle(redact, world.caller(ADA))
    assert world.hubs._hubs[GENERAL].seq == 3
    (listener,) = await come_back(world, 1, after=2)
    await until(lambda: len(listener.mailbox.events()) == 2)
    assert listener.mailbox.events()[0]["stub"] == "redacted"


async def test_what_was_read_before_a_redaction_is_not_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The redaction is let out while what it redacts is on its way from the store."""
    await world.fill(2)
    await world.say("line 3")
    receipt = await world.say("a secret")
    _, session = await listen(world, GENERAL)
    read = Log.read_room

    async def read_early(log: Log, room: str, **where: Any) -> list[Fact]:
        facts = await read(log, room, **where)
        if world.hubs._hubs[GENERAL].seq == 4:
            redact = RedactMessage(room=GENERAL, message_id=receipt.message_id or "")
            await world.handlers.handle(redact, world.caller(ADA))
            await until(lambda: world.hubs._hubs[GENERAL].seq == 5)
        return facts

    monkeypatch.setattr(Log, "read_room", read_early)
    (early,) = await come_back(world, 1, after=2)
    await all_have([early], 5)
    monkeypatch.undo()
    (late,) = await come_back(world, 1, after=2)
    await all_have([late], 5)
    assert late.mailbox.events()[1]["stub"] == "redacted"
    assert "a secret" not in str(late.mailbox.frames)
    session.leave()


async def test_what_cannot_be_opened_now_is_not_kept(world: World) -> None:
    await world.fill(2)
    await listen(world, GENERAL)
    (row,) = await recorded(world, 1)
    world.bus.publish([row._replace(state=b"{}")])
    room = world.hubs._hubs[GENERAL]
    await until(lambda: room.seq == 3)
    assert not any(tail.has(3) for tail in room._tail.values())


async def test_with_the_last_socket_of_a_room_its_tail_goes(world: World) -> None:
    await world.fill(2)
    _, session = await listen(world, GENERAL)
    await world.say("hi")
    await until(lambda: world.hubs.tails.size > 0)
    session.leave()
    assert world.hubs.tails.size == 0


async def test_a_full_process_sends_away_who_comes_and_tells_when_to_come_back(
    served: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.hubs.admission, "_most", 2)
    async with served.connect(), served.connect() as second:
        waits = set()
        for _ in range(5):
            async with Client.connect(served.port, "/chat/") as client:
                code, (goodbye,) = await client.closed()
                assert (code, goodbye["code"], goodbye["reconnect"]) == (4013, 4013, True)
                waits.add(goodbye["retry_after_ms"])
        assert all(1000 <= wait <= admission.FULL_S * 1000 for wait in waits)
        assert len(waits) > 1
        await second.connection.close()
        await until(lambda: len(served.hubs.sessions) == 1)
        async with served.connect() as third:
            assert (await third.ask("ping"))["type"] == "pong"


async def test_where_no_file_is_left_the_connection_is_refused_at_once(world: World) -> None:
    async with world.serve(limit_concurrency=1), world.connect() as client:
        async with raw(world.port) as refused:
            assert (await refused.reader.read()).startswith(b"HTTP/1.1 503 ")
        assert (await client.ask("ping"))["type"] == "pong"


def test_there_is_no_more_room_than_there_are_files(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_SOCKETS = 20_000
    monkeypatch.setattr(files, "allowed", lambda: 1024)
    assert Admission()._most == 1024 - files.RESERVED


def test_a_process_takes_as_many_files_as_it_may() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        files.raise_limit()
        assert files.allowed() == (files.MANY if before[1] == resource.RLIM_INFINITY else before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
