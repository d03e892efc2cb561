"""Putting events back that were decided elsewhere: into an empty store, in their order, sealed with new keys."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from commands.events import Event
from commands.sealing import Mapper
from commands.store import Condition, Conflict, Entry, NewEvent, Store

MAX_BATCH = 1000
"""Events in one commit."""


class Decided(NamedTuple):
    """An event that was decided elsewhere, and the stream it belongs to. `erased`: nothing personal is left in it."""

    stream: str
    event: Event
    erased: bool = False


class NotEmpty(Exception):
    """There is something in this server already: events are put back into an empty one only."""


class Disturbed(Exception):
    """Somebody else wrote while events were put back: begin again with an empty server."""


class Restoring:
    """Appends events in their order, in large batches. Their seqs come out as 1, 2, 3 … in every stream."""

    def __init__(self, store: Store, mapper: Mapper) -> None:
        self._store = store
        self._mapper = mapper
        self._heads: dict[str, int] = {}
        self.events = 0

    async def check_empty(self) -> None:
        """Raises: NotEmpty, StoreUnavailable."""
        if await self._store.last_position():
            raise NotEmpty

    async def append(self, events: Iterable[Decided]) -> None:
        """Append all of these. Raises: NotEmpty, Disturbed, StoreUnavailable, OutcomeUnknown."""
        await self.check_empty()
        batch: list[Decided] = []
        for each in events:
            batch.append(each)
            if len(batch) == MAX_BATCH:
                await self._record(batch)
                batch = []
        if batch:
            await self._record(batch)

    async def _record(self, decided: list[Decided]) -> None:
        sealed = await self._seal(decided)
        batch = Batch(self._heads)
        for each, new in zip(decided, sealed, strict=True):
            if not batch.takes(each.stream, new):
                await self._commit(batch)
                batch = Batch(self._heads)
            batch.add(each.stream, new)
        await self._commit(batch)

    async def _seal(self, decided: list[Decided]) -> list[NewEvent]:
        keyring = self._mapper.keyring
        if gone := {each.event.actor for each in decided if each.erased}:
            await keyring.ensure_erased(sorted(gone))
        here = {each.event.actor for each in decided if not each.erased}
        await asyncio.gather(*(keyring.ensure(person) for person in sorted(here)))
        return [
            self._mapper.seal_for_nobody(stream, event) if erased else self._mapper.seal(stream, event)
            for stream, event, erased in decided
        ]

    async def _commit(self, batch: "Batch") -> None:
        entries = batch.entries()
        for entry, outcome in zip(entries, await self._store.append(entries), strict=True):
            head = self._heads.get(entry.stream, 0)
            expected = list(range(head + 1, head + 1 + len(entry.events)))
            if isinstance(outcome, Conflict) or [numbered.seq for numbered in outcome] != expected:
                raise Disturbed
            self._heads[entry.stream] = expected[-1]
            self.events += len(expected)


class Batch:
    """Events on their way into one commit: an entry for every run of one stream, so that all keep their order."""

    def __init__(self, heads: dict[str, int]) -> None:
        self._heads = heads
        self._runs: list[tuple[str, list[NewEvent]]] = []
        self._touched: set[tuple[str, str]] = set()

    def takes(self, stream: str, event: NewEvent) -> bool:
        """Whether an event may join: a store wants no two entries of one batch about the same subject."""
        return (stream, event.subject) not in self._touched

    def add(self, stream: str, event: NewEvent) -> None:
        """Take the next event."""
        if not self._runs or self._runs[-1][0] != stream:
            self._touched.update((run, each.subject) for run, events in self._runs[-1:] for each in events)
            self._runs.append((stream, []))
        self._runs[-1][1].append(event)

    def entries(self) -> list[Entry]:
        """What is to be appended."""
        return [
            Entry(stream, [Condition(subject, self._heads.get(stream, 0)) for subject in subjects], events)
            for stream, events in self._runs
            for subjects in [dict.fromkeys(event.subject for event in events)]
        ]
