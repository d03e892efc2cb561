"""Presence and typing over real sockets: who is told, who counts, who may type."""

import asyncio
import json
from typing import Any

import pytest

from commands.handlers import Handlers
from commands.member import Ban, Unban
from commands.rules import ChangeRoom
from realtime import presence
from tests.cast import ADA, GARDEN, GENERAL, GRACE, LINUS
from tests.realtime.client import WAIT_S, Client
from tests.realtime.mailbox import UNREAD
from tests.realtime.test_hub import listen
from tests.realtime.world import World


async def handles(client: Client, type_: str = "presence") -> list[str]:
    """Who is in the next such frame, whatever else comes before it."""
    async with asyncio.timeout(WAIT_S):
        while (frame := json.loads(await client.connection.recv()))["type"] != type_:
            pass
    return [somebody["handle"] for somebody in frame["present" if type_ == "presence" else "who"]]


async def sees(client: Client, *expected: str) -> None:
    """Wait until the client is shown these people, in whatever order they came."""
    while sorted(await handles(client)) != sorted(expected):
        pass


async def test_whoever_is_in_a_room_sees_who_comes_and_goes(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presence, "GRACE_S", 0.1)
    async with served.connect(f"/chat/{GENERAL}/", token=served.token(ADA)) as ada:
        await ada.receive("subscribed")
        await ada.receive("caught_up")
        assert await ada.receive("presence") == {
            "type": "presence", "room": GENERAL, "present": [{"person": ADA, "handle": "ada"}], "count": 1,
        }  # fmt: skip
        async with served.connect(token=served.token(GRACE)) as grace:
            await grace.subscribe(GENERAL)
            await sees(grace, "ada", "grace")
            await sees(ada, "ada", "grace")
        await sees(ada, "ada")


async def test_whoever_unsubscribes_is_gone(served: World) -> None:
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(GRACE)) as grace:
        await ada.subscribe(GENERAL)
        await grace.subscribe(GENERAL)
        await sees(ada, "ada", "grace")
        await grace.ask("unsubscribe", room=GENERAL)
        await sees(ada, "ada")


async def test_subscribing_again_changes_nobodys_place_and_shows_the_room_again(served: World) -> None:
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(GRACE)) as grace:
        await ada.subscribe(GENERAL)
        await grace.subscribe(GENERAL)
        await sees(grace, "ada", "grace")
        await ada.subscribe(GENERAL, after=0)
        await sees(ada, "ada", "grace")
    assert served.hubs.company.presence.frames <= 5


async def test_a_classic_socket_counts_and_hears_nothing(served: World) -> None:
    async with (
        served.connect(token=served.token(ADA)) as ada,
        Client.connect(served.port, f"/chat/{GENERAL}/", protocol=None, token=served.token(GRACE)) as classic,
    ):
        await ada.subscribe(GENERAL)
        await sees(ada, "ada", "grace")
        await ada.send("typing", room=GENERAL)
        await ada.ask("post", room=GENERAL, message="hello")
        assert (await classic.receive())["message"] == "hello"


async def test_a_socket_that_has_not_caught_up_is_told_nothing_yet(served: World) -> None:
    await served.fill(400)
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(GRACE)) as grace:
        await grace.send("subscribe", room=GENERAL, after=0)
        await grace.receive("subscribed")
        await ada.subscribe(GENERAL)
        await sees(ada, "ada", "grace")
        for _ in range(300):
            assert json.loads(await grace.connection.recv())["type"] == "event"
        await grace.send("ack", room=GENERAL, seq=300)
        while (frame := json.loads(await grace.connection.recv()))["type"] != "caught_up":
            assert frame["type"] == "event"
        await grace.receive("presence")


async def test_a_socket_that_is_behind_is_spared(world: World) -> None:
    mailbox, session = await listen(world, GENERAL)
    mailbox.reads = False
    assert mailbox.buffered() == UNREAD
    (subscription,) = session._subscriptions.values()
    assert not subscription.offer(b"\x81\x02{}")
    mailbox.reads = True
    assert subscription.offer(b"\x81\x02{}")
    assert mailbox.closed is None


async def test_whoever_is_banned_is_not_present_any_more(served: World) -> None:
    await served.say("hello")
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(GRACE)) as grace:
        await ada.subscribe(GENERAL)
        await grace.subscribe(GENERAL)
        await sees(ada, "ada", "grace")
        await served.handlers.handle(Ban(room=GENERAL, person=GRACE), served.caller(ADA))
        await sees(ada, "ada")
        assert (await grace.closed())[0] == 4507
    assert GRACE not in served.hubs.company.presence.gatherings[GENERAL].people


async def test_whoever_may_not_enter_a_room_is_not_present_in_it(served: World) -> None:
    await served.say("hello")
    await served.handlers.handle(Ban(room=GENERAL, person=LINUS), served.caller(ADA))
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(LINUS)) as linus:
        assert await linus.refusal("subscribe", room=GENERAL) == "banned"
        await ada.subscribe(GENERAL)
        assert await handles(ada) == ["ada"]


async def test_the_others_see_who_types_until_they_post(served: World) -> None:
    async with served.connect(token=served.token(ADA)) as ada, served.connect(token=served.token(GRACE)) as grace:
        await ada.subscribe(GENERAL)
        await grace.subscribe(GENERAL)
        await grace.receive("caught_up")
        await ada.send("typing", room=GENERAL)
        assert await grace.receive("typing") == {
            "type": "typing", "room": GENERAL, "who": [{"person": ADA, "handle": "ada"}],
        }  # fmt: skip
        await ada.ask("post", room=GENERAL, message="hello")
        await grace.receive("event")
        assert await handles(grace, "typing") == []


async def test_typing_and_reading_have_no_answer(served: World) -> None:
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await client.send("typing", id=1, room=GENERAL)
        await client.send("read", id=2, room=GENERAL, seq=1)
        assert await client.is_silent()


@pytest.mark.parametrize("frame", [{"type": "typing"}, {"type": "read", "seq": 1}])
async def test_only_who_listens_to_a_room_types_and_reads_there(served: World, frame: dict[str, Any]) -> None:
    await served.say("hello")
    async with served.connect() as client:
        for room in (GENERAL, "nowhere"):
            assert await client.refusal(room=room, **frame) == "forbidden"
        await client.subscribe(GARDEN)
        assert await client.refusal(room=GENERAL, **frame) == "forbidden"
        await client.subscribe(GENERAL)
        await client.ask("unsubscribe", room=GENERAL)
        assert await client.refusal(room=GENERAL, **frame) == "forbidden"
    assert served.hubs.company.typists.rooms == 0


async def test_only_who_may_post_types(served: World) -> None:
    await served.say("hello")
    async with served.connect(token=served.token(GRACE)) as grace:
        await grace.subscribe(GENERAL)
        await served.handlers.handle(ChangeRoom(room=GENERAL, archived=True), served.caller(ADA))
        assert await grace.refusal("typing", room=GENERAL) == "archived"
        await served.handlers.handle(ChangeRoom(room=GENERAL, archived=False), served.caller(ADA))
        await grace.send("typing", room=GENERAL)
        await grace.ask("ping")
    assert served.hubs.company.typists.rooms == 1


async def test_guests_who_may_only_read_are_present_and_do_not_type(served: World) -> None:
    await served.say("hello")
    served.handlers._guests = "read"
    async with served.connect(token=served.token(GRACE)) as grace:
        await grace.subscribe(GENERAL)
        assert await handles(grace) == ["grace"]
        assert await grace.refusal("typing", room=GENERAL) == "unauthenticated"


async def test_what_is_remembered_may_let_somebody_type_and_never_refuse(world: World) -> None:
    await world.say("hello")
    caller = world.caller(GRACE)
    other = Handlers(world.store, world._mapper, world._writer, limits=False)
    await other.handle(Ban(room=GENERAL, person=GRACE), world.caller(ADA))
    with pytest.raises(Exception, match="banned"):
        await world.handlers.check_may_post(GENERAL, caller)
    await other.handle(Unban(room=GENERAL, person=GRACE), world.caller(ADA))
    await world.handlers.check_may_post(GENERAL, caller)


async def test_a_process_that_stops_forgets_its_rooms(served: World) -> None:
    async with served.connect() as client:
        await client.subscribe(GENERAL)
        await served.hubs.company.stop()
        assert served.hubs.company.presence.rooms == 0
        await asyncio.sleep(0)
        assert (await client.ask("ping"))["type"] == "pong"
