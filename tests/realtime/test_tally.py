"""What the live side counts, for /metrics."""

from tests.cast import ADA, GENERAL
from tests.realtime.client import Client
from tests.realtime.test_hub import listen, recorded, until
from tests.realtime.world import World


async def test_sockets_are_counted_while_they_are_open_and_what_they_are_refused(served: World) -> None:
    tally = served.hubs.tally
    async with served.connect(token=served.token(ADA)) as client:
        assert tally.sockets == {"verbatim.v1": 1, "classic": 0}
        async with Client.connect(served.port, f"/chat/{GENERAL}/", protocol=None) as classic:
            await until(lambda: tally.sockets["classic"] == 1 and served.hubs.rooms == 1)
            await classic.send_raw("no JSON")
            await until(lambda: tally.refusals["bad_request"] == 1)
        assert await client.refusal("post", room=GENERAL, message="") == "invalid_field"
        assert tally.refusals["invalid_field"] == 1
    await until(lambda: tally.sockets == {"verbatim.v1": 0, "classic": 0} and served.hubs.rooms == 0)


async def test_deliveries_are_counted_for_every_socket_live_and_catching_up(world: World) -> None:
    await world.fill(7)
    listeners = [await listen(world, GENERAL, after=2) for _ in range(2)]
    assert (world.hubs.tally.caught_up, world.hubs.tally.live) == (10, 0)
    await world.say("hello")
    await until(lambda: world.hubs.tally.live == 2)
    for _, session in listeners:
        session.leave()


async def test_a_heal_is_counted_by_what_gave_reason_for_it(world: World) -> None:
    await world.say("one")
    await listen(world, GENERAL)
    heals = world.hubs.tally.heals
    await recorded(world, 1)
    await until(lambda: heals["tail"] == 1)
    lost, came = await recorded(world, 2)
    world.bus.publish([came])
    await until(lambda: heals["gap"] == 1)
    assert lost.seq + 1 == came.seq
    assert heals["overflow"] == heals["head"] == 0


async def test_a_socket_that_is_closed_is_counted_by_the_reason(world: World) -> None:
    slow, _ = await listen(world, GENERAL)
    slow.reads = False
    while not slow.closed:
        await world.say("x" * 10_000)
    await until(lambda: world.hubs.tally.closed["slow"] == 1)
