"""What presence and typing cost Redis: commands are counted, and none grows with the people."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from tests.realtime.company import process, sees, until
from tests.servers import Valkey
from tests.valkey_cluster import ask


@pytest.fixture
def redis() -> Iterator[Valkey]:
    """A server of the test's own, whose commands nobody else counts."""
    with Valkey() as server:
        yield server


def commands(server: Valkey) -> Mapping[str, int]:
    """How often each command was run so far, by clients and in scripts."""
    told = re.findall(r"cmdstat_(\S+?):calls=(\d+)", ask(server, "INFO", "commandstats").decode())
    return Counter({name: int(calls) for name, calls in told})


async def test_a_renewal_costs_the_same_however_many_people_are_there(redis: Valkey) -> None:
    async def renewals(people: int) -> Mapping[str, int]:
        async with process(redis.url) as one:
            room = f"room-{people}"
            one.crowd(people, room)
            await until(lambda: one.is_told(room), one)
            claims, before = one.presence.claims, commands(redis)
            await until(lambda: one.presence.claims == claims + 3, one)
            await until(lambda: commands(redis)["evalsha"] == before["evalsha"] + 3)
            return Counter(commands(redis)) - Counter({**before, "info": 10**6, "ping": 10**6})

    few, many = await renewals(5), await renewals(900)
    assert few == many
    assert few["evalsha"] == 3
    assert "spublish" not in few


async def test_a_change_is_one_claim_and_one_publish_however_many_join(redis: Valkey) -> None:
    async with process(redis.url) as one, process(redis.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        await until(one.is_told, one, two)
        claims, before = one.presence.claims, commands(redis)["spublish"]
        one.crowd(500)
        await until(lambda: grace.told("presence")[-1]["count"] == 502, one, two)
        assert one.presence.claims - claims <= 2
        assert commands(redis)["spublish"] - before <= 2


async def test_hundreds_who_type_are_told_in_one_packet_a_second(redis: Valkey) -> None:
    async with process(redis.url) as one, process(redis.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        before = commands(redis)["spublish"]
        for n in range(300):
            one.type(f"guest {n}")
        await until(lambda: bool(grace.typing()), one, two)
        assert commands(redis)["spublish"] == before + 1
        assert len(grace.typing()[0]) == 10
