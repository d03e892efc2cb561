"""A room's past from elsewhere, told again as events: in the order of time, about what is there, each thing once."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Any

from archive.sources import check_time, clean, handle_of
from commands.events import (
    Cause,
    Event,
    MessageEdited,
    MessagePosted,
    MessageRedacted,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
    RoomOpened,
    Visibility,
)
from commands.restoring import Decided
from commands.rules import MAX_TITLE, MAX_TOPIC


class Retold:
    """One room's past, told again as events. What happens `later` waits for its time, and time never runs backwards.

    Messages are known by their ids in the source. What is about one that is not there is counted in `skipped`.
    """

    def __init__(self, source: str, label: str, owner: str, skipped: Counter[str]) -> None:
        self._source = source
        self._label = label
        self._owner = owner
        self._skipped = skipped
        self._time = 0
        self._posted: dict[str, bool] = {}
        self._turn = count()
        self._reactions: set[tuple[str, str, str]] = set()
        self._later: list[tuple[int, int, Callable[[], Iterator[Decided]]]] = []

    def open(self, at: int, title: str, *, visibility: Visibility = "public") -> Iterator[Decided]:
        """The room begins."""
        opened = RoomOpened(
            **self._cause(self._owner, at, "room"), title=_title(title, self._label), visibility=visibility
        )
        yield Decided(self._label, opened)

    def change(self, at: int, person: str, *, title: str | None = None, topic: str | None = None) -> Iterator[Decided]:
        """The room is called something else."""
        yield from self.catch_up(at)
        named = None if title is None else _title(title, self._label)
        about = None if topic is None else clean(topic)[:MAX_TOPIC]
        yield self._tell(RoomChanged(**self._cause(person, at, "room"), title=named, topic=about))

    def post(
        self, at: int, source_id: str, person: str, handle: str, text: str, *, reply_to: str | None = None
    ) -> Iterator[Decided]:
        """Somebody says something, in answer to something if that is there."""
        yield from self.catch_up(at)
        if source_id in self._posted:
            self._skipped["messages that were there twice"] += 1
            return
        self._posted[source_id] = True
        yield self._tell(
            MessagePosted(
                **self._cause(person, at, source_id),
                message_id=self.message_id(source_id),
                message=clean(text),
                handle=handle_of(handle, person),
                reply_to=self.message_id(reply_to) if reply_to in self._posted and reply_to != source_id else None,
            )
        )

    def edit(self, at: int, source_id: str, person: str, text: str) -> Iterator[Decided]:
        """A message says something else from now on."""
        if self._stands(source_id, "edits"):
            cause = self._cause(person, at, source_id)
            yield self._tell(MessageEdited(**cause, message_id=self.message_id(source_id), message=clean(text)))

    def redact(self, at: int, source_id: str, person: str, reason: str = "") -> Iterator[Decided]:
        """A message is taken back."""
        if self._stands(source_id, "removals"):
            self._posted[source_id] = False
            cause = self._cause(person, at, source_id)
            yield self._tell(MessageRedacted(**cause, message_id=self.message_id(source_id), reason=clean(reason)))

    def react(self, at: int, source_id: str, person: str, emoji: str) -> Iterator[Decided]:
        """Somebody reacts to a message; twice in the same way is once."""
        reaction = (source_id, person, emoji)
        if reaction not in self._reactions and self._stands(source_id, "reactions"):
            self._reactions.add(reaction)
            cause = self._cause(person, at, source_id)
            yield self._tell(ReactionAdded(**cause, message_id=self.message_id(source_id), emoji=emoji))

    def unreact(self, at: int, source_id: str, person: str, emoji: str) -> Iterator[Decided]:
        """Somebody takes a reaction back."""
        reaction = (source_id, person, emoji)
        if reaction in self._reactions and self._stands(source_id, "reactions"):
            self._reactions.remove(reaction)
            cause = self._cause(person, at, source_id)
            yield self._tell(ReactionRemoved(**cause, message_id=self.message_id(source_id), emoji=emoji))

    def later(self, at: int, tell: Callable[[], Iterator[Decided]]) -> None:
        """Something happens at a time that may not have come yet."""
        heappush(self._later, (at, next(self._turn), tell))

    def catch_up(self, at: int | None = None) -> Iterator[Decided]:
        """What had been put off until a time, or all of it."""
        while self._later and (at is None or self._later[0][0] <= at):
            yield from heappop(self._later)[2]()

    def message_id(self, source_id: str) -> str:
        """The id of a message: the same in every import."""
        return hashlib.sha256(f"{self._source}\0{self._label}\0{source_id}".encode()).hexdigest()[:32]

    def _stands(self, source_id: str, what: str) -> bool:
        """Whether there is such a message, and it was not taken back."""
        if not self._posted.get(source_id):
            self._skipped[f"{what} of messages that are not there"] += 1
        return self._posted.get(source_id, False)

    def _tell(self, event: Event) -> Decided:
        return Decided(self._label, event)

    def _cause(self, person: str, at: int, source_id: str) -> dict[str, Any]:
        """Raises: Damaged."""
        check_time(at, f"{self._label}, {source_id}")
        self._time = max(self._time, at)
        return Cause(person, self._time, f"{self._source}:{source_id}").stamp()


def _title(title: str, label: str) -> str:
    return clean(title)[:MAX_TITLE].strip() or label
