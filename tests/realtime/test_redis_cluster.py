"""The Redis bus on a real Valkey Cluster: rooms are spread, slots move, servers die."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from realtime.redis_topology import slot_of
from tests.cast import GENERAL
from tests.realtime import company
from tests.realtime.buses import events, gets_through, process, until
from tests.valkey_cluster import ClusterNode, ValkeyCluster, ask, frozen

ROOMS = [f"room-{i}" for i in range(60)]
BACK_WITHIN_S = 15.0
"""The cluster itself needs a few seconds to agree that a server is gone."""


@pytest.fixture(scope="module")
def running() -> Iterator[ValkeyCluster]:
    with ValkeyCluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(running: ValkeyCluster) -> ValkeyCluster:
    """The cluster, whole again."""
    running.mend()
    return running


@pytest.mark.parametrize(
    ("channel", "slot"),
    [
        (b"123456789", 12739),
        (b"foo", 12182),
        (b"{user1000}.following", 3443),
        (b"{user1000}.followers", 3443),
        (b"foo{}{bar}", 8363),
        (b"foo{{bar}}zap", 4015),
        (b"foo{bar}{zap}", 5061),
        (b"", 0),
    ],
)
def test_a_channels_slot_is_the_one_of_the_specification(channel: bytes, slot: int) -> None:
    assert slot_of(channel) == slot


async def test_rooms_are_spread_and_each_arrives_in_order(cluster: ValkeyCluster) -> None:
    async with process(cluster.url) as sender, process(cluster.url, *ROOMS) as listener:
        for seq in range(1, 51):
            sender.publish([event for room in ROOMS for event in events(seq, room=room)])
        await until(lambda: len(listener.heard) == 50 * len(ROOMS))
        assert sender.state.servers == listener.state.servers == 3
        assert all(len(ask(node, "PUBSUB", "SHARDCHANNELS")) > 5 for node in cluster.owners)
    assert all(listener.seqs(room) == list(range(1, 51)) for room in ROOMS)
    assert (sender.dropped, sender.refused, listener.refused) == (0, 0, 0)


async def test_one_seed_of_the_cluster_is_enough(cluster: ValkeyCluster) -> None:
    seed = cluster.url.partition(",")[0].replace("127.0.0.1", "localhost")
    async with process(seed) as sender, process(cluster.url, *ROOMS) as listener:
        sender.publish([event for room in ROOMS for event in events(1, room=room)])
        await until(lambda: len(listener.heard) == len(ROOMS))


async def test_a_room_whose_slot_migrates_is_heard_at_its_new_owner(cluster: ValkeyCluster) -> None:
    slot = slot_of(channel(GENERAL))
    async with process(cluster.url) as sender, process(cluster.url, GENERAL) as listener:
        for round_ in range(3):
            to = next(node for node in cluster.owners if node is not cluster.owner(slot))
            await asyncio.to_thread(cluster.move, slot, to)
            await until(lambda to=to: is_heard_at(to, GENERAL))  # type: ignore[misc]
            assert await gets_through(sender, listener, after=round_ * 10**6) < 5
        assert listener.state.reconnects == 0


async def test_servers_that_disagree_about_a_slot_do_not_send_us_to_and_fro(cluster: ValkeyCluster) -> None:
    slot = slot_of(channel(GENERAL))
    old = cluster.owner(slot)
    new = next(node for node in cluster.owners if node is not old)
    async with process(cluster.url) as sender, process(cluster.url, GENERAL) as listener:
        ask(old, "CLUSTER", "SETSLOT", slot, "NODE", new.name)
        began = time.monotonic()
        await until(lambda: listener.refused >= 5)
        assert time.monotonic() - began > 1
        ask(new, "CLUSTER", "SETSLOT", slot, "NODE", new.name)
        assert await gets_through(sender, listener) < 5


async def test_a_primary_is_killed_and_its_replica_takes_over(cluster: ValkeyCluster) -> None:
    async with process(cluster.url) as sender, process(cluster.url, *ROOMS) as listener:
        victim = cluster.owner(slot_of(channel(ROOMS[0])))
        unharmed = next(room for room in ROOMS if cluster.owner(slot_of(channel(room))) is not victim)
        await asyncio.to_thread(victim.kill)
        assert await gets_through(sender, listener, unharmed) < 2
        for room in ROOMS:
            assert await gets_through(sender, listener, room, after=10**6) < BACK_WITHIN_S
        await asyncio.to_thread(cluster.mend)
        await until(lambda: listener.is_ready() and sender.is_ready())
        assert listener.state.servers == 3


async def test_a_primary_that_hangs_is_given_up(cluster: ValkeyCluster) -> None:
    async with process(cluster.url) as sender, process(cluster.url, *ROOMS) as listener:
        victim = cluster.owner(slot_of(channel(ROOMS[0])))
        with frozen(victim):
            for room in ROOMS:
                assert await gets_through(sender, listener, room, after=10**6) < BACK_WITHIN_S
        await asyncio.to_thread(cluster.mend)
        for room in ROOMS:
            assert await gets_through(sender, listener, room, after=10**9) < BACK_WITHIN_S


async def test_the_whole_cluster_is_killed_and_comes_back(cluster: ValkeyCluster) -> None:
    async with process(cluster.url) as sender, process(cluster.url, *ROOMS) as listener:
        for node in cluster.nodes:
            await asyncio.to_thread(node.kill)
        await until(lambda: not listener.state.connected)
        await asyncio.to_thread(cluster.mend)
        for room in ROOMS:
            assert await gets_through(sender, listener, room, after=10**6) < BACK_WITHIN_S


async def test_people_see_each_other_in_every_room_also_after_a_failover(cluster: ValkeyCluster) -> None:
    rooms = ROOMS[:12]
    async with company.process(cluster.url) as one, company.process(cluster.url) as two:
        ears = [ear for room in rooms for ear in (one.come("ada", room), two.come("grace", room))]
        await company.until(lambda: all(len(ear.present()) == 2 for ear in ears), one, two)
        victim = cluster.owner(slot_of(channel(rooms[0])))
        await asyncio.to_thread(victim.kill)
        ears += [one.come("linus", room) for room in rooms]
        await company.until(lambda: all(len(ear.present()) == 3 for ear in ears), one, two)
        await asyncio.to_thread(cluster.mend)


def channel(room: str) -> bytes:
    return b"verbatim:0:room:" + room.encode()


def is_heard_at(node: ClusterNode, room: str) -> bool:
    return channel(room) in ask(node, "PUBSUB", "SHARDCHANNELS")
