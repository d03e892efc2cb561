"""What waits to be recorded: a proposal, with the future of its answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from commands.events import Numbered
from commands.store import Condition, Entry


class Proposal[T](Protocol):
    """A decided command on its way into the store."""

    @property
    def lane(self) -> tuple[str, str]:
        """Room and person: proposals of one lane are recorded in the order in which they were submitted."""

    @property
    def entry(self) -> Entry:
        """What is to be recorded, as last decided."""

    def recorded(self, numbers: Sequence[Numbered]) -> T:
        """The answer, now that the events are durable."""

    async def decide_again(self) -> T | None:
        """Decide anew from what the store says now: a new `entry`, or the answer if nothing needs recording."""


class Waiting[T]:
    """A proposal in the queue, with the future of its answer and the subjects that it touches."""

    __slots__ = ("answer", "changes", "lane", "proposal", "rests_on", "touches")

    def __init__(self, proposal: Proposal[T], answer: asyncio.Future[T]) -> None:
        self.proposal = proposal
        self.answer = answer
        self.lane = proposal.lane
        self.look_at_entry()

    def look_at_entry(self) -> None:
        """Note what the entry touches, as it was last decided."""
        stream, conditions, events = self.proposal.entry
        own = {event.subject for event in events}
        self.changes = {(stream, subject) for subject in own}
        self.touches = {(stream, condition.subject) for condition in conditions}
        self.rests_on: Sequence[Condition] = [condition for condition in conditions if condition.subject not in own]

    def is_outdated(self, reached: Mapping[tuple[str, str], int]) -> bool:
        """Whether one of its conditions cannot hold any more, now that these subjects have come so far."""
        stream, conditions, _ = self.proposal.entry
        return not reached.keys().isdisjoint(self.touches) and any(
            reached.get((stream, condition.subject), 0) > condition.after_seq for condition in conditions
        )

    def refuse(self, reason: BaseException) -> None:
        """Tell the sender why not, if they still wait."""
        if not self.answer.done():
            self.answer.set_exception(reason)
