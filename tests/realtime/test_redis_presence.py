"""Presence and typing of several processes over a real Valkey: everybody once, whatever gets lost."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from realtime.lease import CHUNK
from realtime.presence import GRACE_S, MAX_PRESENT
from tests.cast import GARDEN, GENERAL
from tests.realtime.company import FAST, Listening, Process, process, sees, until
from tests.servers import Valkey
from tests.valkey_cluster import ask, frozen


@pytest.fixture
def redis() -> Iterator[Valkey]:
    """A server of the test's own, to be killed."""
    with Valkey() as server:
        yield server


@pytest.fixture(autouse=True)
def empty(valkey: Valkey) -> None:
    ask(valkey, "FLUSHALL")


async def test_people_of_two_processes_see_each_other(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        linus = two.come("linus", GARDEN)
        await until(lambda: sees(linus, "linus"), one, two)


async def test_the_longest_here_is_first_wherever_they_are(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        names = [f"guest {n}" for n in range(6)]
        for n, name in enumerate(names):
            ear = (one, two)[n % 2].come(name)
            await until(lambda ear=ear, n=n: len(ear.present()) == n + 1, one, two)  # type: ignore[misc]  # bound now
        assert ear.present() == names


async def test_a_person_in_two_processes_is_there_once_and_leaves_with_the_last_socket(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada, here, there = one.come("ada"), one.come("grace"), two.come("grace")
        await until(lambda: sees(there, "ada", "grace"), one, two)
        one.go("grace", here, may_return=False)
        linus = one.come("linus")
        await until(lambda: sees(linus, "ada", "grace", "linus"), one, two)
        two.go("grace", there, may_return=False)
        await until(lambda: sees(ada, "ada", "linus"), one, two)
    assert all({"ada", "grace"} <= names(frame) for frame in ada.told("presence")[1:-1])


def names(frame: Mapping[str, list[Mapping[str, str]]]) -> set[str]:
    return {somebody["handle"] for somebody in frame["present"]}


async def test_the_people_of_a_killed_process_run_out(valkey: Valkey) -> None:
    async with process(valkey.url) as one:
        ada = one.come("ada")
        async with process(valkey.url) as two:
            grace = two.come("grace")
            await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        await until(lambda: sees(ada, "ada"), one)
        assert ask(valkey, "ZCARD", f"{{verbatim:0:room:{GENERAL}}}:leases") == 1


async def test_the_people_of_a_process_that_stops_have_a_moment_to_come_back(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as next_one:
        ada = one.come("ada")
        async with process(valkey.url) as two:
            two.come("grace")
            await until(lambda: sees(ada, "ada", "grace"), one, two)
            await two.stop()
        grace = next_one.come("grace")
        await until(lambda: sees(grace, "ada", "grace"), one, next_one)
        assert ask(valkey, "ZCARD", f"{{verbatim:0:room:{GENERAL}}}:leases") == 3
        await until(lambda: ask(valkey, "ZCARD", f"{{verbatim:0:room:{GENERAL}}}:leases") == 2, one, next_one)
    assert len(ada.frames) <= 2
    assert GRACE_S / FAST < 1


async def test_nothing_is_left_in_redis_of_a_room_that_everybody_left(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        one.go("ada", ada, may_return=False)
        two.go("grace", grace, may_return=False)
        await until(lambda: ask(valkey, "DBSIZE") == 0, one, two)


async def test_whatever_is_in_redis_runs_out_by_itself(valkey: Valkey) -> None:
    async with process(valkey.url) as one:
        ada = one.come("ada")
        await until(lambda: sees(ada, "ada") and one.is_told(), one)
    keys = ask(valkey, "KEYS", "*")
    assert len(keys) == 5
    assert all(0 < ask(valkey, "PTTL", key.decode()) <= 10 * 30_000 for key in keys)


async def test_while_redis_is_away_everybody_sees_those_of_their_own_process(redis: Valkey) -> None:
    async with process(redis.url) as one, process(redis.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        await asyncio.to_thread(redis.kill)
        await until(lambda: sees(ada, "ada") and sees(grace, "grace"), one, two)
        linus = two.come("linus")
        await until(lambda: sees(grace, "grace", "linus"), one, two)
        two.go("grace", grace, may_return=False)
        await until(lambda: sees(linus, "linus"), one, two)
        await asyncio.to_thread(redis.start)
        await until(lambda: sees(ada, "ada", "linus") and sees(linus, "ada", "linus"), one, two)


async def test_redis_may_come_later_than_people() -> None:
    redis = Valkey()
    try:
        async with process(redis.url, is_ready=False) as one, process(redis.url, is_ready=False) as two:
            ada, grace = one.come("ada"), two.come("grace")
            await until(lambda: sees(ada, "ada") and sees(grace, "grace"), one, two)
            await asyncio.to_thread(redis.start)
            await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
    finally:
        await asyncio.to_thread(redis.remove)


async def test_a_redis_that_stops_reading_is_like_one_that_is_away(redis: Valkey) -> None:
    async with process(redis.url) as one, process(redis.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        with frozen(redis):
            linus = one.come("linus")
            await until(lambda: sees(ada, "ada", "linus"), one, two)
        await until(lambda: sees(linus, "ada", "grace", "linus") and sees(grace, "ada", "grace", "linus"), one, two)


async def test_a_redis_that_refuses_scripts_is_like_one_that_is_away(redis: Valkey) -> None:
    async with process(redis.url) as one, process(redis.url) as two:
        ask(redis, "ACL", "SETUSER", "default", "-evalsha")
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada") and sees(grace, "grace") and one.bus.refused > 1, one, two)
        ask(redis, "ACL", "SETUSER", "default", "+evalsha")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)


@pytest.mark.parametrize("command", [("FLUSHALL",), ("SCRIPT", "FLUSH"), ("CLIENT", "KILL", "TYPE", "pubsub")])
async def test_a_redis_that_forgets_is_told_again(valkey: Valkey, command: tuple[str, ...]) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        ask(valkey, *command)
        linus = one.come("linus")
        await until(lambda: all(sees(ear, "ada", "grace", "linus") for ear in (ada, grace, linus)), one, two)
        assert ask(valkey, "ZCARD", f"{{verbatim:0:room:{GENERAL}}}:people") == 3


async def test_everybody_of_a_crowded_room_is_told_bit_by_bit(valkey: Valkey) -> None:
    many = 2 * CHUNK + 1
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada = two.come("ada")
        one.crowd(many)
        await until(lambda: bool(ada.frames) and ada.told("presence")[-1]["count"] == many + 1, one, two)
        assert len(ada.present()) == MAX_PRESENT
        one.presence.gatherings[GENERAL].lease.doubt()  # type: ignore[union-attr]  # there is one
        linus = one.come("linus")
        await until(lambda: bool(linus.frames) and linus.told("presence")[-1]["count"] == many + 2, one, two)
    assert min(frame["count"] for frame in ada.told("presence")[-3:]) > CHUNK


async def test_a_dead_process_with_many_people_is_cleared_away_bit_by_bit(valkey: Valkey) -> None:
    async with process(valkey.url) as one:
        ada = one.come("ada")
        async with process(valkey.url) as two:
            two.crowd(2500)
            await until(lambda: bool(ada.frames) and ada.told("presence")[-1]["count"] == 2501, one, two)
        await until(lambda: sees(ada, "ada"), one)
    counts = [frame["count"] for frame in ada.told("presence")]
    assert sorted({2501, 1501, 501, 1} & set(counts), reverse=True) == [2501, 1501, 501, 1]


async def test_who_types_is_told_to_other_processes_until_they_post(valkey: Valkey) -> None:
    async with process(valkey.url) as one, process(valkey.url) as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: sees(ada, "ada", "grace") and sees(grace, "ada", "grace"), one, two)
        one.type("ada")
        await until(lambda: grace.typing() == [["ada"]], one, two)
        one.typists.remove(GENERAL, "guest:ada")
        two.typists.remove(GENERAL, "guest:ada")
        await until(lambda: grace.typing() == [["ada"], []] and not one.typists.rooms, one, two)
        assert ada.typing() == []


async def test_what_nobody_understands_is_dropped_and_counted(valkey: Valkey) -> None:
    async with process(valkey.url) as one:
        ada = one.come("ada")
        await until(lambda: sees(ada, "ada"), one)
        for packet in ("p", "pnonsense", "t", "t0123456789abcdef", "t0123456789abcdefnonsense"):
            ask(valkey, "SPUBLISH", f"verbatim:0:room:{GENERAL}", packet)
        await until(lambda: one.bus.refused == 5, one)
        one.come("grace")
        await until(lambda: sees(ada, "ada", "grace"), one)


async def test_each_database_has_presence_of_its_own(valkey: Valkey) -> None:
    async with process(f"{valkey.url}/1") as one, process(f"{valkey.url}/2") as two:
        ada, grace = one.come("ada"), two.come("grace")
        await until(lambda: one.is_told() and two.is_told(), one, two)
        assert sees(ada, "ada")
        assert sees(grace, "grace")
    keyspace = ask(valkey, "INFO", "keyspace")
    assert b"db1:keys=5" in keyspace
    assert b"db2:keys=5" in keyspace
    assert b"db0:" not in keyspace


async def test_whatever_gets_lost_in_the_end_everybody_knows_who_is_there(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(7)
    async with process(valkey.url) as one, process(valkey.url) as two, process(valkey.url) as three:
        processes = (one, two, three)
        watchers = [each.come(f"watcher {n}") for n, each in enumerate(processes)]
        with monkeypatch.context() as lossy:
            for each in processes:
                lossy.setattr(each.exchange, "claim", half_of(each.exchange.claim, chance))
                lossy.setattr(each, "hear_news", half_of(each.hear_news, chance))
            here = await come_and_go(processes, valkey, chance)
        expected = {name for name, _ in here} | {f"watcher {n}" for n in range(3)}
        await until(lambda: all(sees(watcher, *expected) for watcher in watchers), *processes)
        assert ask(valkey, "ZCARD", f"{{verbatim:0:room:{GENERAL}}}:people") == len(expected)


def half_of(do: Callable[..., None], chance: random.Random) -> Callable[..., None]:
    """The same, which happens every other time."""

    def maybe(*args: object) -> None:
        if chance.random() < 0.5:
            do(*args)

    return maybe


async def come_and_go(processes: Sequence[Process], server: Valkey, chance: random.Random) -> set[tuple[str, int]]:
    """People come and go by chance while Redis forgets now and then; those who are left, each with their process."""
    ears: dict[tuple[str, int], Listening] = {}
    for step in range(200):
        who = (f"guest {chance.randrange(12)}", chance.randrange(len(processes)))
        if ear := ears.pop(who, None):
            processes[who[1]].go(who[0], ear, may_return=chance.random() < 0.5)
        else:
            ears[who] = processes[who[1]].come(who[0])
        if step % 50 == 49:
            ask(server, "FLUSHALL")
        for each in processes:
            each.beat()
        await asyncio.sleep(0.005)
    return set(ears)
