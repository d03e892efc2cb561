"""Whoever is banned hears nothing more of the room."""

import pytest

from commands.member import Ban
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
