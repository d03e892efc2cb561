"""The tail: consecutive, bounded, alone and together, and it forgets what was redacted."""

import json

import pytest

from realtime import tail
from realtime.encoding import CLASSIC, VERBATIM, Dialect, payloads
from realtime.tail import Line, Tail, Tails, as_lines
from tests.cast import GENERAL
from tests.realtime.world import World


def lines(first: int, last: int, size: int = 10) -> list[Line]:
    return [Line(f"{seq}".encode().ljust(size), "") for seq in range(first, last + 1)]


def seqs(frames: list[bytes]) -> list[int]:
    return [int(frame) for frame in frames]


def test_what_is_kept_is_read_from_any_place() -> None:
    kept = Tail(Tails())
    kept.append(5, lines(5, 7))
    kept.append(8, lines(8, 9))
    assert seqs(kept.read(4, 9, 10_000)) == [5, 6, 7, 8, 9]
    assert seqs(kept.read(6, 8, 10_000)) == [7, 8]
    assert kept.read(3, 9, 10_000) == kept.read(9, 12, 10_000) == []


def test_a_gap_begins_a_new_tail() -> None:
    kept = Tail(Tails())
    kept.append(5, lines(5, 7))
    kept.append(9, lines(9, 9))
    assert kept.read(4, 9, 10_000) == []
    assert seqs(kept.read(8, 9, 10_000)) == [9]


def test_what_was_read_is_kept_only_if_it_joins_what_there_is() -> None:
    kept = Tail(Tails())
    kept.append(5, lines(5, 7))
    kept.fill(2, lines(2, 3))
    kept.fill(9, lines(9, 9))
    assert (kept.first, kept.last) == (5, 7)
    kept.fill(4, lines(4, 4))
    kept.fill(8, lines(8, 8))
    assert seqs(kept.read(3, 8, 10_000)) == [4, 5, 6, 7, 8]


def test_what_was_read_may_overlap_what_there_is() -> None:
    kept = Tail(Tails())
    kept.append(5, lines(5, 7))
    kept.fill(3, lines(3, 6))
    kept.fill(6, lines(6, 9))
    kept.fill(1, lines(1, 11))
    assert seqs(kept.read(0, 20, 10_000)) == list(range(1, 12))


def test_what_was_read_already_is_not_kept_twice() -> None:
    kept = Tail(Tails())
    kept.fill(5, lines(5, 7))
    kept.append(6, lines(6, 9))
    kept.append(8, lines(8, 9))
    assert seqs(kept.read(4, 9, 10_000)) == [5, 6, 7, 8, 9]


def test_no_more_is_read_at_once_than_asked_for_but_something() -> None:
    kept = Tail(Tails())
    kept.append(1, lines(1, 9, size=100))
    assert seqs(kept.read(0, 9, 250)) == [1, 2, 3]
    assert seqs(kept.read(0, 9, 1)) == [1]


def test_one_tail_is_bounded() -> None:
    tails = Tails()
    kept = Tail(tails)
    for seq in range(1, 1501):
        kept.append(seq, lines(seq, seq, size=1000))
        assert tails.size <= tail.MAX_BYTES
    assert kept.last == 1500
    assert seqs(kept.read(kept.first - 1, 1500, 10**7)) == list(range(kept.first, 1501))
    kept.fill(1, lines(1, kept.first - 1, size=1000))
    assert tails.size <= tail.MAX_BYTES


def test_all_together_are_bounded_and_the_one_used_longest_ago_goes_first() -> None:
    tails = Tails(max_bytes=3 * (1000 + tail.ENTRY_BYTES))
    first, second, third, fourth = (Tail(tails) for _ in range(4))
    for kept in (first, second, third):
        kept.append(1, lines(1, 1, size=1000))
    assert first.read(0, 1, 10_000)
    fourth.append(1, lines(1, 1, size=1000))
    assert [kept.has(1) for kept in (first, second, third, fourth)] == [True, False, True, True]
    for kept in (first, second, third, fourth):
        kept.forget()
    assert tails.size == 0


def test_everything_can_be_forgotten_at_once() -> None:
    tails = Tails()
    some = [Tail(tails) for _ in range(3)]
    for kept in some:
        kept.append(1, lines(1, 5))
    tails.forget()
    assert not any(kept.has(seq) for kept in some for seq in range(1, 6))


@pytest.mark.parametrize("dialect", [VERBATIM, CLASSIC])
async def test_a_redacted_message_is_a_stub_like_that_of_the_store(world: World, dialect: Dialect) -> None:
    receipt = await world.say("a secret", reply_to=None)
    await world.say("harmless")
    facts = await world.log.read_room(GENERAL, after=0)
    kept = Tail(Tails())
    kept.append(1, as_lines(facts, dialect))
    kept.redact(f"message:{receipt.message_id}", dialect.stub)
    hidden = [facts[0], facts[1]._replace(stub="redacted"), facts[2]]
    assert kept.read(0, 3, 10**6) == [dialect.event(fact) for fact in hidden]
    assert b"a secret" not in b"".join(kept.read(0, 3, 10**6))
    if dialect is VERBATIM:
        (stub,) = payloads(kept.read(1, 2, 10**6)[0])
        assert json.loads(stub)["stub"] == "redacted"
