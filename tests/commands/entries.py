"""Entries as the writer would make them: every state holds a nonce, every event's subject is among the conditions."""

import secrets
from collections.abc import Sequence

from commands.events import Numbered
from commands.store import Condition, Conflict, Entry, NewEvent, Outcome, Recorded, Store


def event(subject: str, text: str = "hi") -> NewEvent:
    return NewEvent("message.posted", subject, f'{{"text":"{text}","sealed":"{secrets.token_hex(12)}"}}'.encode())


def message(name: str | None = None, *, room: str = "general", rests_on: Sequence[Condition] = ()) -> Entry:
    """A message that nobody has posted yet, provided that what it `rests_on` has not changed."""
    subject = f"message:{name or secrets.token_hex(16)}"
    return Entry(room, [*rests_on, Condition(subject, 0)], [event(subject)])


def change(subject: str, after_seq: int, *, room: str = "general") -> Entry:
    """Something about a subject that was last touched by `after_seq`."""
    return Entry(room, [Condition(subject, after_seq)], [event(subject)])


def numbers(outcomes: Sequence[Outcome]) -> list[Numbered]:
    """Where each of a batch's events is; none of its entries was refused."""
    return [number for outcome in outcomes for number in accepted(outcome)]


def seqs(outcomes: Sequence[Outcome]) -> list[int]:
    return [number.seq for number in numbers(outcomes)]


def accepted(outcome: Outcome) -> Sequence[Numbered]:
    assert not isinstance(outcome, Conflict)
    return outcome


def is_conflict(outcome: Outcome) -> bool:
    return isinstance(outcome, Conflict)


async def everything(store: Store) -> list[Recorded]:
    """The whole store, read as a follower reads it."""
    found: list[Recorded] = []
    while more := await store.read_all(after=found[-1].position if found else 0):
        found += more
    return found


def check_whole(recorded: Sequence[Recorded]) -> None:
    """Positions rise, every room counts 1, 2, 3 …, and nothing is there twice."""
    positions = [row.position for row in recorded]
    assert positions == sorted(set(positions))
    for room in {row.stream for row in recorded}:
        in_room = [row.seq for row in recorded if row.stream == room]
        assert in_room == list(range(1, len(in_room) + 1))
    assert len({row.state for row in recorded}) == len(recorded)
