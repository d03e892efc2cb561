"""Whoever is banned hears nothing more of the room."""

import json

import pytest

from commands.member import Ban
from realtime.hub import Hub
from tests.cast import ADA, GARDEN, GENERAL, GRACE
from tests.realtime.client import Client
from tests.realtime.test_hub import arrived, listen, until
from tests.realtime.world import World


@pytest.mark.parametrize("protocol", ["verbatim.v1", None])
async def test_who_is_banned_hears_nothing_more(served: World, protocol: str | None) -> None:
    await served.say("hello")
    async with (
        Client.connect(served.port, f"/chat/{GENERAL}/", protocol=protocol, token=served.token(GRACE)) as grace,
        Client.connect(served.port, f"/chat/{GENERAL}/", protocol=protocol, token=served.token(ADA)) as ada,
    ):
        if protocol:
            for client in (ada, grace):
                await client.receive("welcome")
                await client.receive("subscribed")
                await client.receive("caught_up")
        await served.handlers.handle(Ban(room=GENERAL, person=GRACE), served.caller(ADA))
        await served.say("without grace")
        code, frames = await grace.closed()
        assert code == 4507
        assert "without grace" not in str(frames)
        while "without grace" not in str(await ada.receive()):
            pass


async def test_what_follows_a_ban_in_the_same_breath_does_not_reach_them(world: World) -> None:
    await world.say("hello")
    mailbox, session = await listen(world, GENERAL)
    person = session.visitor.identity.person
    world.hubs.sessions.add(session)
    world.deaf = True
    await world.handlers.handle(Ban(room=GENERAL, person=person), world.caller(ADA))
    await world.say("without them")
    world.hubs._hubs[GENERAL].hear_of(4, "tail")
    await until(lambda: mailbox.closed is not None)
    assert (mailbox.closed, arrived(mailbox)) == (4507, [3])


async def test_who_is_banned_from_another_room_stays(served: World) -> None:
    await served.say("hello")
    await served.say("hello", room=GARDEN)
    async with served.connect(token=served.token(GRACE)) as client:
        await client.subscribe(GENERAL)
        await client.receive("caught_up")
        await served.handlers.handle(Ban(room=GARDEN, person=GRACE), served.caller(ADA))
        await served.say("still here")
        assert (await client.receive("event"))["data"]["message"] == "still here"


async def test_who_is_banned_sees_no_more_of_a_replay(served: World) -> None:
    for _ in range(3):
        await served.say("hello")
    async with served.connect(token=served.token(GRACE)) as client:
        await client.send("replay", room=GENERAL, **{"from": 1}, speed=0.1)
        await client.receive("replaying")
        await served.handlers.handle(Ban(room=GENERAL, person=GRACE), served.caller(ADA))
        code, _ = await client.closed()
        assert code == 4507
    await until(lambda: served.hubs.rooms == 0)


async def test_who_is_banned_while_they_come_in_does_not_stay(world: World) -> None:
    await world.say("hello")
    mailbox, session = await listen(world, GARDEN)
    world.hubs.sessions.add(session)
    person = session.visitor.identity.person
    find_head = world.hubs.find_head

    async def banned_meanwhile(hub: Hub) -> int:
        await world.handlers.handle(Ban(room=GENERAL, person=person), world.caller(ADA))
        return await find_head(hub)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.hubs, "find_head", banned_meanwhile)
        await session.receive(json.dumps({"type": "subscribe", "room": GENERAL}))
    await until(lambda: "banned" in [frame.get("code") for frame in mailbox.frames])
    assert GENERAL not in session._subscriptions
    assert GENERAL not in world.hubs._hubs
