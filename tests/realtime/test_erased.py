"""Sockets forget who was erased, in every process, whether the bus works or not."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from commands.clock import now_ms
from commands.days import before, day_of
from commands.errors import ProjectionBehind
from realtime import forgetting
from realtime.classic import Classic
from realtime.company import Company
from realtime.redis_bus import RedisBus
from realtime.redis_exchange import RedisExchange
from tests.cast import ADA, GARDEN, GENERAL, GRACE, LINUS
from tests.realtime.client import Client
from tests.realtime.mailbox import Mailbox
from tests.realtime.test_hub import listen, until
from tests.realtime.world import World, sqlite_world
from tests.servers import Valkey
from tests.valkey_cluster import ask


async def sit(world: World) -> Mailbox:
    """grace sits in #general."""
    mailbox, session = await listen(world, GENERAL)
    world.hubs.sessions.add(session)
    return mailbox


def told(mailbox: Mailbox) -> list[dict[str, Any]]:
    return [frame for frame in mailbox.frames if frame.get("type") == "erased"]


async def test_who_listens_where_they_took_part_is_told_and_nobody_else(served: World) -> None:
    await served.say("at dawn", person=GRACE)
    await served.say("elsewhere", room=GARDEN)
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(LINUS)) as linus:
        for client, room in ((ada, GENERAL), (linus, GARDEN)):
            await client.subscribe(room)
            await client.receive("caught_up")
        await served.erase(GRACE)
        assert await ada.receive("erased") == {"type": "erased", "room": GENERAL, "person": GRACE}
        assert await linus.is_silent()


async def test_who_was_erased_is_sent_away_and_not_let_in_again(served: World) -> None:
    await served.say("at dawn", person=GRACE)
    async with served.connect(token=served.token(GRACE)) as grace:
        await grace.subscribe(GENERAL)
        await served.erase(GRACE)
        code, _ = await grace.closed()
        assert code == 4503
    async with served.connect(token=served.token(GRACE)) as again:
        assert await again.refusal("subscribe", room=GENERAL) == "gone"
        assert await again.refusal("replay", room=GENERAL, **{"from": 1}) == "gone"
        assert await again.refusal("post", room=GENERAL, message="hi") == "gone"
    for protocol in ("verbatim.v1", None):
        async with Client.connect(
            served.port, f"/chat/{GENERAL}/", protocol=protocol, token=served.token(GRACE)
        ) as client:
            code, _ = await client.closed()
            assert code == 4503
    assert served.hubs.company.presence.people == 0


async def test_nothing_that_a_process_keeps_says_what_they_said(served: World) -> None:
    await served.say("welcome")
    await served.say("at dawn", person=GRACE)
    async with served.connect(token=served.token(ADA)) as ada:
        await ada.subscribe(GENERAL, after=0)
        assert "at dawn" in str([await ada.receive("event") for _ in range(3)])
        await ada.receive("caught_up")
        await served.erase(GRACE)
        await ada.receive("erased")
        await ada.subscribe(GENERAL, after=0)
        events = await ada.receive_events(3)
        assert [event.get("stub") for event in events] == [None, None, "erased"]
        await ada.receive("caught_up")
        await ada.ask("replay", room=GENERAL, **{"from": 1}, speed=1000)
        replayed = await ada.receive_events(3)
        assert [event.get("stub") for event in replayed] == [None, None, "erased"]


async def test_who_listens_to_a_room_is_told_what_it_keeps_no_more(served: World) -> None:
    for room in (GENERAL, GARDEN):
        await served.say("at dawn", room=room, person=GRACE)
    tomorrow = before(day_of(now_ms()), -2)
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(LINUS)) as linus:
        for client, room in ((ada, GENERAL), (linus, GARDEN)):
            await client.subscribe(room)
            await client.receive("caught_up")
        await served.end(GENERAL, tomorrow)
        frame = {"type": "erased", "room": GENERAL, "before": f"{tomorrow}T00:00:00.000Z"}
        assert await ada.receive("erased") == frame
        assert await linus.is_silent()
        await ada.subscribe(GENERAL, after=0)
        assert [event.get("stub") for event in await ada.receive_events(2)] == ["erased"] * 2
        await ada.receive("caught_up")
        await ada.ask("replay", room=GENERAL, **{"from": 1}, speed=1000)
        assert [event.get("stub") for event in await ada.receive_events(2)] == ["erased"] * 2
    async with served.connect(token=served.token(ADA)) as again:
        assert again.welcome["erasures"] > ada.welcome["erasures"]


async def test_what_is_over_is_over_in_a_process_without_hints_too(tmp_path: Path) -> None:
    async with sqlite_world(tmp_path) as here, sqlite_world(tmp_path) as there:
        await here.say("at dawn", person=LINUS)
        mailbox = await sit(there)
        await here.end(GENERAL, before(day_of(now_ms()), -2))
        await until(lambda: bool(told(mailbox)))
        assert [fact.stub for fact in await there.log.read_room(GENERAL, after=0)] == ["erased"] * 2


async def test_a_process_that_hears_nothing_of_the_bus_hears_of_it_within_seconds(tmp_path: Path) -> None:
    async with sqlite_world(tmp_path) as here, sqlite_world(tmp_path) as there:
        await here.say("at dawn", person=LINUS)
        mailbox = await sit(there)
        await here.erase(LINUS)
        await until(lambda: bool(told(mailbox)))
        [fact] = await there.log.read_room(GENERAL, after=1)
        assert fact.stub == "erased"


async def test_a_hint_is_enough(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.say("at dawn", person=GRACE)
    heard: list[str] = []
    world.log.erasures.tell(lambda person, _: heard.append(person), of_rooms=lambda *_: None)
    monkeypatch.setattr(world.log, "hear_of_people", lambda: asyncio.sleep(0))
    await world.erase(GRACE)
    await until(lambda: heard == [GRACE])


async def test_what_came_but_was_not_let_out_yet_is_read_again(world: World) -> None:
    await world.say("welcome")
    await world.say("before", person=LINUS)
    mailbox = await sit(world)
    world.deaf = True
    for text in ("at dawn", "at noon"):
        await world.say(text, person=LINUS)
    hub = world.hubs._hubs[GENERAL]
    [_, noon] = await world.log.read_room(GENERAL, after=3)
    hub.take(noon)
    await world.erase(LINUS)
    await until(lambda: len([frame for frame in mailbox.frames if frame["type"] == "event"]) == 2)
    assert "at noon" not in str(mailbox.frames) and "at dawn" not in str(mailbox.frames)


async def test_who_is_present_or_types_is_not_any_more(world: World) -> None:
    await world.say("at dawn", person=GRACE)
    mailbox, session = await listen(world, GENERAL)
    world.hubs.sessions.add(session)
    world.hubs.company.note_typing(GENERAL, session.somebody, "a socket")
    await world.erase(GRACE)
    await until(lambda: mailbox.closed == 4503)
    assert not world.hubs.company.presence.gatherings.get(GENERAL) or not world.hubs.company.presence.people
    assert not world.hubs.company.typists._rooms[GENERAL].until


async def test_where_they_took_part_may_be_known_a_little_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.say("at dawn", person=LINUS)
    mailbox = await sit(world)
    asked: list[str] = []

    async def not_yet(person: str, *, min_position: int) -> list[str]:
        asked.append(person)
        if len(asked) < 3:
            raise ProjectionBehind
        return [GENERAL]

    monkeypatch.setattr(forgetting, "RETRY_S", 0)
    monkeypatch.setattr(world.hubs._forgetting, "_rooms_of", not_yet)
    await world.erase(LINUS)
    await until(lambda: bool(told(mailbox)))
    assert asked == [LINUS] * 3


async def test_who_was_away_sees_that_somebody_was_erased(served: World) -> None:
    await served.say("at dawn", person=GRACE)
    async with served.connect(token=served.token(ADA)) as ada:
        known = ada.welcome["erasures"]
    await served.erase(GRACE)
    async with served.connect(token=served.token(ADA)) as ada:
        assert ada.welcome["erasures"] > known


async def test_the_tutorials_dialect_is_told_nothing(world: World) -> None:
    await world.say("at dawn", person=LINUS)
    mailbox, session = await listen(world, GENERAL, speak=Classic)
    world.hubs.sessions.add(session)
    await world.erase(LINUS)
    await world.say("later")
    await until(lambda: len(mailbox.frames) == 1)
    assert mailbox.frames[0]["message"] == "later"


async def test_nothing_of_them_is_left_in_redis(tmp_path: Path, valkey: Valkey) -> None:
    ask(valkey, "FLUSHALL")
    bus = RedisBus(valkey.url)
    await bus.start()
    async with sqlite_world(tmp_path, bus, Company(RedisExchange(bus))) as world, world.serve():
        await world.say("at dawn", person=GRACE)
        async with served_by(world, GRACE) as grace, served_by(world, ADA) as ada:
            for client in (grace, ada):
                await client.subscribe(GENERAL)
            await until(lambda: b"grace" in kept(valkey))
            await world.erase(GRACE)
            await until(lambda: GRACE.encode() not in kept(valkey))
            assert b"grace" not in kept(valkey)
            assert b"ada" in kept(valkey)
    await bus.stop()


def served_by(world: World, person: str) -> Any:
    return world.connect(token=world.token(person))


def kept(valkey: Valkey) -> bytes:
    """Everything that is in Redis."""
    read = {b"zset": ("ZRANGE", "0", "-1"), b"hash": ("HGETALL",), b"set": ("SMEMBERS",), b"string": ("GET",)}
    values = []
    for key in ask(valkey, "KEYS", "*"):
        command, *rest = read.get(ask(valkey, "TYPE", key), ("TYPE",))
        values.append(repr((key, ask(valkey, command, key, *rest))).encode())
    return b"\n".join(values)
