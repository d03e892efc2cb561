"""Reading the log: rooms by seq, the whole store by position, and following it as it grows."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from commands.erasures import Erasures
from commands.events import MessageEdited, MessagePosted, MessageRedacted, wire_name
from commands.people import ERASED, EXPIRED, PEOPLE, person_of
from commands.sealing import Fact, Mapper, days_over, nothing_personal
from commands.store import Mark, Recorded, Store, StoreUnavailable

__all__ = ["Fact", "Log", "Mark", "Recorded", "StoreUnavailable", "hide", "redacted_by", "says_something"]

HEAD_IN_SQL = "(SELECT max(originator_version) FROM public.stored_events WHERE originator_id = :room)"
"""`Log.head` for statements on a connection that sees the log beside other tables: both are of one snapshot then."""

BEYOND = 2**62
POLL_S = 1.0
"""A follower looks again after this long even if nothing woke it, so that a lost wake-up only costs time."""


class Revisions(NamedTuple):
    """Versions of a message, by seq, each with its event; who redacted it, if anybody did; the seq to go on after."""

    versions: list[tuple[Fact, MessagePosted | MessageEdited]]
    redacted_by: str | None
    next: int | None


class Log:
    """The store's events, opened for reading. What the live side and the projections follow.

    What of a room readers may not see any more is decided here: `read_room` marks it as a stub.
    """

    def __init__(self, store: Store, mapper: Mapper) -> None:
        self._store = store
        self._mapper = mapper
        self._heard_of_people = 0

    @property
    def erasures(self) -> Erasures:
        """Who was erased, as far as this process has heard."""
        return self._mapper.erasures

    async def hear_of_people(self) -> None:
        """Read on in the stream of people, and see to it that nothing is left of the keys of those who were erased.

        The same goes for the keys of days that are over.

        So a process that was killed in the middle of an erasure, or a backup of keys that was restored, does no harm.
        Raises: StoreUnavailable.
        """
        while rows := await self._store.read_stream(PEOPLE, after=self._heard_of_people):
            over = [person_of(row.subject) for row in rows if row.topic == ERASED]
            over += [key for row in rows if row.topic == EXPIRED for key in days_over(row)]
            if over:
                await self._mapper.keyring.destroy(over)
            await self.open(rows)
            self._heard_of_people = rows[-1].seq

    async def read_room(
        self, room: str, *, after: int, upto: int | None = None, limit: int = 300, auditor: bool = False
    ) -> list[Fact]:
        """A room's events with `after` < seq ≤ `upto`, by seq; but for an auditor, what was redacted by now as stubs.

        Costs one look more, at the last events about the messages among them. Raises: StoreUnavailable.
        """
        facts = await self.open(await self._store.read_stream(room, after=after, upto=upto, limit=limit))
        if auditor:
            return facts
        facts = self._without_what_is_over(room, facts)
        redacted = redacted_by(facts)
        if unsure := {fact.recorded.subject for fact in facts if says_something(fact)} - redacted:
            redacted |= await self.redacted_among(room, list(unsure))
        return hide(facts, redacted)

    async def revisions(
        self, room: str, message_id: str, *, after: int = 0, limit: int = 200, auditor: bool = False
    ) -> Revisions | None:
        """A page of a message's versions after a seq, or None if there is no such message.

        For all but an auditor those of a redacted one are stubs: one look more, at the last event about it.
        Raises: StoreUnavailable.
        """
        subject = f"message:{message_id}"
        facts = await self.open(await self._store.read_about(room, subject, after=after, limit=limit + 1))
        last = next(iter(await self.open(await self._store.read_last(room, [subject], upto=BEYOND))), None)
        if last is None:
            return None
        facts = facts if auditor else self._without_what_is_over(room, facts)
        seen = hide(facts[:limit], {subject} if _redacts(last) and not auditor else set())
        return Revisions(
            [(fact, fact.event) for fact in seen if isinstance(fact.event, MessagePosted | MessageEdited)],
            redacted_by=last.event.actor if last.event and _redacts(last) else None,
            next=facts[limit - 1].recorded.seq if any(not _redacts(fact) for fact in facts[limit:]) else None,
        )

    def _without_what_is_over(self, room: str, facts: list[Fact]) -> list[Fact]:
        """What a room does not keep any more says nothing, also where it was sealed before the room kept it so."""
        before = self.erasures.over_before(room)
        if not before:
            return facts
        return [
            Fact(fact.recorded, nothing_personal(fact.event), "erased")
            if fact.event and fact.event.occurred_at < before and not fact.stub
            else fact
            for fact in facts
        ]

    async def about(self, room: str, subjects: Sequence[str]) -> dict[str, list[Fact]]:
        """All events about these subjects of a room, by seq, unhidden: for auditors. Raises: StoreUnavailable."""
        found: dict[str, list[Fact]] = {subject: [] for subject in subjects}
        for fact in await self.open(await self._store.read_subjects(room, subjects)):
            found[fact.recorded.subject].append(fact)
        return found

    async def texts_as_of(self, room: str, subjects: Sequence[str], seq: int) -> dict[str, str | None]:
        """What these messages (`message:<id>`) said after the event `seq`, also if they were redacted since.

        None where that is not known any more, or it was nothing. Raises: StoreUnavailable.
        """
        facts = await self.open(await self._store.read_last(room, subjects, upto=seq))
        return {fact.recorded.subject: _text(fact) for fact in facts}

    async def redacted_among(self, room: str, subjects: Sequence[str]) -> set[str]:
        """Those of these messages (`message:<id>`) that are redacted by now. Raises: StoreUnavailable.

        Nothing follows a redaction, so that one look at the last event about each is enough.
        """
        last = await self._store.last_topics(room, subjects)
        return {subject for subject, topic in last.items() if wire_name(topic) == MessageRedacted.TOPIC}

    async def redacted_by_whom(self, room: str, subjects: Sequence[str]) -> dict[str, str]:
        """Who redacted these messages (`message:<id>`), as far as they are. Raises: StoreUnavailable."""
        facts = await self.open(await self._store.read_last(room, subjects, upto=BEYOND))
        return {fact.recorded.subject: fact.event.actor for fact in facts if isinstance(fact.event, MessageRedacted)}

    async def open(self, recorded: Sequence[Recorded]) -> list[Fact]:
        """Open recorded events that came another way (the bus), in their order."""
        return await self._mapper.open(recorded)

    async def head(self, room: str) -> int:
        """The last seq of a room, 0 if it does not exist. Raises: StoreUnavailable."""
        return await self._store.head(room)

    async def seq_at(self, room: str, unix_ms: int) -> int:
        """The last seq of a room that had been recorded at a time. Costs a look for each bit of the head.

        Raises: StoreUnavailable.
        """
        known, beyond = 0, await self.head(room) + 1
        while beyond - known > 1:
            middle = (known + beyond) // 2
            facts = await self.open(await self._store.read_stream(room, after=middle - 1, upto=beyond - 1, limit=8))
            readable = next((fact for fact in facts if fact.event), None)
            if readable and readable.event and readable.event.occurred_at <= unix_ms:
                known = readable.recorded.seq
            else:
                beyond = middle
        return known

    async def position_at(self, unix_ms: int) -> int:
        """The last position that had been recorded at a time, as the servers' clocks had it; 0 if there is none.

        Costs a look for each bit of the last position. Raises: StoreUnavailable.
        """
        known, beyond = 0, await self.last_position() + 1
        while beyond - known > 1:
            middle = (known + beyond) // 2
            facts = await self.read_all(after=middle - 1, limit=8)
            readable = next((fact for fact in facts if fact.event and fact.recorded.position < beyond), None)
            if readable and readable.event and readable.event.occurred_at <= unix_ms:
                known = readable.recorded.position
            else:
                beyond = middle
        return known

    async def read_at(self, positions: Sequence[int]) -> list[Fact]:
        """The events at these positions, opened, by position. Raises: StoreUnavailable."""
        return await self.open(await self._store.read_at(positions))

    async def last_position(self) -> int:
        """The last position of the store. Raises: StoreUnavailable."""
        return await self._store.last_position()

    async def tail(self, *, after: int) -> list[Mark]:
        """How far rooms came after a position, by position; cost follows the traffic. Raises: StoreUnavailable."""
        return await self._store.tail(after=after)

    async def read_all(self, *, after: int, limit: int) -> list[Fact]:
        """Events of the whole store after a position, opened, by position. Raises: StoreUnavailable."""
        return await self.open(await self._store.read_all(after=after, limit=limit))

    async def read_recorded(self, *, after: int, limit: int) -> list[Recorded]:
        """Events of the whole store after a position, as they are stored, by position. Raises: StoreUnavailable."""
        return await self._store.read_all(after=after, limit=limit)

    async def recorded_at(self, position: int) -> Recorded | None:
        """The event at a position, as it is stored. Raises: StoreUnavailable."""
        found = await self._store.read_all(after=position - 1, limit=1)
        return found[0] if found and found[0].position == position else None

    async def recorded_in(self, room: str, seq: int) -> Recorded | None:
        """The event of a room with this seq, as it is stored. Raises: StoreUnavailable."""
        found = await self._store.read_stream(room, after=seq - 1, upto=seq, limit=1)
        return found[0] if found else None

    async def follow(self, *, after: int, limit: int = 2000) -> AsyncGenerator[list[Fact]]:
        """Every batch of events after a position, for ever: first what is there, then what comes.

        An empty batch is yielded whenever the end was reached, so that a follower can tell catching up from live.
        Raises: StoreUnavailable; the follower starts again from its own checkpoint.
        """
        while True:
            facts = await self.read_all(after=after, limit=limit)
            if facts:
                after = facts[-1].recorded.position
            yield facts
            if not facts:
                await self._store.wait(after=after, timeout_s=POLL_S)


def redacted_by(facts: Iterable[Fact]) -> set[str]:
    """The subjects of the messages that these events redact."""
    return {fact.recorded.subject for fact in facts if isinstance(fact.event, MessageRedacted)}


def hide(facts: Sequence[Fact], redacted: AbstractSet[str]) -> list[Fact]:
    """The same events, those that say what a redacted message said as stubs."""
    return [
        fact._replace(stub="redacted") if fact.recorded.subject in redacted and says_something(fact) else fact
        for fact in facts
    ]


def says_something(fact: Fact) -> bool:
    """Whether the event holds what somebody said, and shows it."""
    return not fact.stub and isinstance(fact.event, MessagePosted | MessageEdited)


def _redacts(fact: Fact) -> bool:
    """Whether it can be read or not."""
    return wire_name(fact.recorded.topic) == MessageRedacted.TOPIC


def _text(fact: Fact) -> str | None:
    return fact.event.message if isinstance(fact.event, MessagePosted | MessageEdited) and not fact.stub else None
