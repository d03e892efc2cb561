"""Putting events back that were decided elsewhere: into an empty store, in their order, sealed with new keys."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import batched, groupby
from operator import attrgetter
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.days import LONG_OVER, day_key
from commands.events import Event
from commands.sealing import Mapper, seal_with
from commands.store import Conflict, Entry, NewEvent, Store

MAX_BATCH = 2000
"""Events in one commit."""


class Decided(NamedTuple):
    """An event that was decided elsewhere, and the stream it belongs to.

    `erased`: nothing personal is left in it. `day` is with the key of which day of its room it was sealed as well: what
    is erased of such a day is so because the day is over, which says nothing about its person.
    """

    stream: str
    event: Event
    erased: bool = False
    day: str = ""

    @property
    def keys(self) -> list[str]:
        """The names of the keys with which it is to be sealed; or, if it is erased, of the one that is destroyed."""
        if self.erased:
            return [day_key(self.stream, LONG_OVER) if self.day else self.event.actor]
        return [self.event.actor, *([day_key(self.stream, self.day)] if self.day else [])]


class NotEmpty(Exception):
    """There is something in this server already: events are put back into an empty one only."""


class Disturbed(Exception):
    """Somebody else wrote while events were put back: begin again with an empty server."""


class Restoring:
    """Appends events in their order, in large batches. Their seqs come out as 1, 2, 3 … in every stream.

    They have no conditions: nothing is decided here, and whoever else wrote is found by the seqs.
    """

    def __init__(self, store: Store, mapper: Mapper) -> None:
        self._store = store
        self._keyring = mapper.keyring
        self._heads: dict[str, int] = {}
        self.events = 0

    async def check_empty(self) -> None:
        """Raises: NotEmpty, StoreUnavailable."""
        if await self._store.last_position():
            raise NotEmpty

    async def append(self, events: Iterable[Decided]) -> None:
        """Append all of these. Raises: NotEmpty, Disturbed, StoreUnavailable, OutcomeUnknown."""
        await self.check_empty()
        committing = asyncio.create_task(self._commit([]))
        try:
            for batch in batched(events, MAX_BATCH, strict=False):
                entries = await self._seal(batch)
                await committing
                committing = asyncio.create_task(self._commit(entries))
                await asyncio.sleep(0)  # it begins, and goes on while the next ones are read and sealed
        finally:
            await committing

    async def _seal(self, decided: Sequence[Decided]) -> list[Entry]:
        """An entry for every run of one stream, so that all keep their order. Raises: StoreUnavailable."""
        if gone := {key for each in decided if each.erased for key in each.keys}:
            await self._keyring.ensure_erased(sorted(gone))
        ciphers = await self._keyring.ensure_all({key for each in decided for key in each.keys})
        return [
            Entry(stream, (), [_sealed(each, ciphers) for each in run])
            for stream, run in groupby(decided, key=attrgetter("stream"))
        ]

    async def _commit(self, entries: Sequence[Entry]) -> None:
        """Raises: Disturbed, StoreUnavailable, OutcomeUnknown."""
        outcomes = await self._store.append(entries) if entries else []
        for entry, outcome in zip(entries, outcomes, strict=True):
            head = self._heads.get(entry.stream, 0)
            expected = list(range(head + 1, head + 1 + len(entry.events)))
            if isinstance(outcome, Conflict) or [numbered.seq for numbered in outcome] != expected:
                raise Disturbed
            self._heads[entry.stream] = head + len(entry.events)
            self.events += len(entry.events)


def _sealed(decided: Decided, ciphers: Mapping[str, AESGCM | None]) -> NewEvent:
    stream, event, erased, day = decided
    if erased:
        return seal_with(None, stream, event, LONG_OVER if day else "")
    return seal_with(ciphers[event.actor], stream, event, day, ciphers[day_key(stream, day)] if day else None)
