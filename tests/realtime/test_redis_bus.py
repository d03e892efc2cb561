"""The Redis bus on one server: what is published arrives, and whatever happens to Redis, it heals."""

import asyncio
import logging
from collections.abc import Iterator

import pytest

from commands.subscription import Recorded
from realtime.redis_bus import RedisBus
from realtime.redis_connection import MAX_UNSENT, Connection
from tests.cast import GARDEN, GENERAL
from tests.realtime.buses import events, gets_through, process, starting, until
from tests.servers import Valkey, free_port
from tests.valkey_cluster import ask, frozen

ROOMS = [f"room-{i}" for i in range(2000)]


@pytest.fixture
def redis() -> Iterator[Valkey]:
    """A server of the test's own, to be killed."""
    with Valkey() as server:
        yield server


async def test_what_one_process_publishes_arrives_in_another_in_order(valkey: Valkey) -> None:
    async with process(valkey.url) as sender, process(valkey.url, GENERAL) as listener:
        for first in range(1, 300, 3):
            sender.publish(events(first, first + 1, first + 2))
        await until(lambda: len(listener.heard) >= 300)
    assert listener.seqs() == list(range(1, 301))
    assert (sender.published, sender.dropped, listener.received) == (300, 0, 300)


async def test_events_arrive_as_they_were_recorded(valkey: Valkey) -> None:
    arrived: list[Recorded] = []
    sent = events(7, state="Grüße".encode() + bytes(range(256)))
    async with process(valkey.url) as sender, process(valkey.url, GENERAL) as listener:
        listener.deliver_to(arrived.extend)
        sender.publish(sent)
        await until(lambda: bool(arrived))
    assert arrived == sent


async def test_a_process_hears_its_own_events_at_once_and_once(valkey: Valkey) -> None:
    async with process(valkey.url, GENERAL) as both, process(valkey.url, GENERAL) as other:
        both.publish(events(1))
        assert both.seqs() == [1]
        other.publish(events(2))
        await until(lambda: both.seqs() == [1, 2])
    assert both.received == 1


async def test_only_rooms_that_are_subscribed_to_are_heard(valkey: Valkey) -> None:
    async with process(valkey.url) as sender, process(valkey.url, GENERAL, GARDEN) as listener:
        listener.unsubscribe(GARDEN)
        await until(lambda: shard_channels(valkey) == {b"verbatim:0:room:general"})
        sender.publish([*events(1, room=GARDEN), *events(1, room="elsewhere"), *events(1)])
        await until(lambda: bool(listener.heard))
    assert listener.heard == [(GENERAL, 1)]


async def test_a_batch_is_one_command_a_room(redis: Valkey) -> None:
    async with process(redis.url) as sender, process(redis.url, GENERAL, GARDEN) as listener:
        sender.publish([*events(1, 2), *events(1, room=GARDEN), *events(3)])
        await until(lambda: len(listener.heard) == 4)
    assert b"cmdstat_spublish:calls=2," in ask(redis, "INFO", "commandstats")
    assert listener.seqs() == [1, 2, 3]


async def test_thousands_of_rooms_are_subscribed_to_in_a_moment(valkey: Valkey) -> None:
    async with process(valkey.url) as sender, starting(valkey.url, *ROOMS) as listener:
        await until(listener.is_ready)
        for room in ROOMS:
            sender.publish(events(1, room=room))
        await until(lambda: len(listener.heard) == len(ROOMS))
        for room in ROOMS:
            listener.unsubscribe(room)
        await until(lambda: not shard_channels(valkey))


async def test_coming_and_going_in_one_turn_asks_nothing(redis: Valkey) -> None:
    async with process(redis.url) as bus:
        bus.subscribe(GENERAL)
        bus.unsubscribe(GENERAL)
        bus.subscribe(GARDEN)
        await until(bus.is_ready)
    assert b"cmdstat_ssubscribe:calls=1," in ask(redis, "INFO", "commandstats")
    assert b"cmdstat_sunsubscribe" not in ask(redis, "INFO", "commandstats")


async def test_databases_of_one_server_do_not_hear_each_other(valkey: Valkey) -> None:
    async with process(f"{valkey.url}/1", GENERAL) as one, process(f"{valkey.url}/2", GENERAL) as two:
        one.publish(events(1))
        two.publish(events(2))
        await gets_through(two, two, after=2)
    assert one.seqs() == [1]


async def test_a_packet_that_nobody_understands_is_dropped(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with process(valkey.url) as sender, process(valkey.url, GENERAL) as listener:
        for packet in ("", "\x02newer", "\x01deadbeef\x93"):
            ask(valkey, "SPUBLISH", "verbatim:0:room:general", packet)
        sender.publish(events(1))
        await until(lambda: listener.seqs() == [1])
    assert listener.refused == 3
    assert len([record for record in caplog.records if "refused" in record.message]) == 1


async def test_redis_is_killed_and_comes_back(redis: Valkey) -> None:
    async with process(redis.url) as sender, process(redis.url, GENERAL, GARDEN) as listener:
        await asyncio.to_thread(redis.kill)
        await until(lambda: not sender.state.connected and not listener.state.connected)
        sender.publish(events(1))
        listener.publish(events(2))
        assert listener.seqs() == [2]
        assert sender.dropped == 1
        await asyncio.to_thread(redis.start)
        assert await gets_through(sender, listener, after=2) < 5
        assert await gets_through(sender, listener, GARDEN) < 5
        assert listener.state.reconnects == 1


async def test_redis_may_come_later_than_we(caplog: pytest.LogCaptureFixture) -> None:
    redis = Valkey()
    try:
        async with starting(redis.url) as sender, starting(redis.url, GENERAL) as listener:
            sender.publish(events(1))
            await until(lambda: "is away" in caplog.text)
            await asyncio.to_thread(redis.start)
            assert await gets_through(sender, listener, after=1) < 5
        assert len([record for record in caplog.records if "is away" in record.message]) == 2
    finally:
        await asyncio.to_thread(redis.remove)


async def test_a_cut_connection_is_made_again(valkey: Valkey) -> None:
    async with process(valkey.url) as sender, process(valkey.url, GENERAL) as listener:
        ask(valkey, "CLIENT", "KILL", "TYPE", "pubsub")
        await until(lambda: listener.state.reconnects == 1)
        assert await gets_through(sender, listener) < 5


async def test_hints_are_dropped_when_redis_stops_reading(redis: Valkey) -> None:
    state = bytes(64 * 1024)
    async with process(redis.url) as sender, process(redis.url, GENERAL) as listener:
        with frozen(redis):
            for seq in range(1, 1000):
                sender.publish(events(seq, state=state))
            assert connection_of(sender)._transport.get_write_buffer_size() < MAX_UNSENT + 2 * len(state)
            assert sender.dropped > 700
            listener.subscribe(GARDEN)
            await until(lambda: not sender.state.connected and not listener.state.connected)
        assert await gets_through(sender, listener, after=1000) < 5
        assert await gets_through(sender, listener, GARDEN) < 5


async def test_a_listener_that_redis_cuts_off_for_being_slow_comes_back(redis: Valkey) -> None:
    ask(redis, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 256kb 256kb 1")
    async with process(redis.url) as sender, process(redis.url, GENERAL) as listener:
        connection = connection_of(listener)
        connection._transport.pause_reading()
        for seq in range(1, 3000):
            sender.publish(events(seq, state=bytes(4 * 1024)))
            await until(lambda: connection_of(sender).takes_writes)
        await until(lambda: not shard_channels(redis))
        assert b"client_output_buffer_limit_disconnections:1" in ask(redis, "INFO", "stats")
        connection._transport.resume_reading()
        await until(lambda: listener.state.reconnects == 1)
        assert await gets_through(sender, listener, after=3000) < 5


async def test_a_password_is_asked_for(redis: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    ask(redis, "ACL", "SETUSER", "ada", "on", ">pass", "~*", "&*", "+@all")
    ask(redis, "CONFIG", "SET", "requirepass", "s3cr:t@")
    host = redis.url.removeprefix("redis://")
    for login in ("", ":wrong@", "ada:s3cr%3At%40@"):
        caplog.clear()
        async with starting(f"redis://{login}{host}", GENERAL) as bus:
            await until(lambda: "is away" in caplog.text)
            assert bus.state.connected == 0
        assert any(word in caplog.text for word in ("NOAUTH", "WRONGPASS"))
        assert "s3cr" not in caplog.text
    async with process(f"redis://:s3cr%3At%40@{host}", GENERAL) as one, process(f"redis://ada:pass@{host}") as two:
        await gets_through(two, one)


async def test_of_several_hosts_that_are_no_cluster_the_first_is_used(valkey: Valkey, redis: Valkey) -> None:
    first, second = (server.url.removeprefix("redis://") for server in (valkey, redis))
    async with process(f"redis://{first},{second}") as sender, process(valkey.url, GENERAL) as listener:
        await gets_through(sender, listener)
    assert sender.refused == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "not RESP"), (b"%1\r\n$7\r\nversion\r\n$5\r\n6.2.1\r\n", "6.2.1 has no")],
)
async def test_what_is_no_redis_for_us_harms_nobody(answer: bytes, said: str, caplog: pytest.LogCaptureFixture) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        await writer.drain()
        writer.close()

    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    async with await asyncio.start_server(serve, "127.0.0.1", port), starting(url, GENERAL) as bus:
        await until(lambda: said in caplog.text)
        bus.publish(events(1))
        assert bus.seqs() == [1]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR and record.name == "asyncio"]


async def test_stopping_sends_what_was_published(valkey: Valkey) -> None:
    async with process(valkey.url, GENERAL) as listener:
        async with process(valkey.url) as sender:
            sender.publish(events(1))
        await until(lambda: listener.seqs() == [1])
        sender.publish(events(2))
    assert sender.dropped == 1
    assert sender.state.servers == 0


def shard_channels(server: Valkey) -> set[bytes]:
    return set(ask(server, "PUBSUB", "SHARDCHANNELS"))


def connection_of(bus: RedisBus) -> Connection:
    (node,) = bus._topology.nodes.values()
    assert node._connection is not None
    return node._connection
