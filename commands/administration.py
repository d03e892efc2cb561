"""The door for what auditors do about people: erase, hold, release. Load, decide, save; then forget."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from commands import erasing
from commands.clock import now_ms
from commands.erasing import AboutPeople, Erase, Standing
from commands.errors import Gone, LegalHold, NotFound, Overloaded, Unavailable
from commands.events import Cause, Event, Numbered
from commands.identity import Caller
from commands.keyring import Erased
from commands.people import PEOPLE
from commands.refusals import Refusals
from commands.rules import Rules
from commands.sealing import Mapper
from commands.states import RULES, States
from commands.store import Condition, Entry, Store, StoreBusy, StoreUnavailable
from commands.subscription import Log
from commands.writer import Writer


class Traces(Protocol):
    """Who took part where, from a read model."""

    async def rooms_of(self, person: str, *, min_position: int) -> Sequence[str]:
        """The labels of the rooms in which a person did something by this position.

        Raises: ProjectionBehind, Unavailable.
        """


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """Where in the stream of people the last event about a person or a room is; nothing `changed` if it was so."""

    seq: int
    position: int
    changed: bool = True


class Administration:
    """Carries out what auditors ask; whether the caller is one is asked before."""

    def __init__(
        self, store: Store, mapper: Mapper, writer: Writer, log: Log, traces: Traces, refusals: Refusals | None = None
    ) -> None:
        self._refusals = refusals
        self._store = store
        self._mapper = mapper
        self._writer = writer
        self._log = log
        self._traces = traces
        self._states = States(store, mapper)

    async def carry_out(self, command: AboutPeople, caller: Caller) -> Ruling:
        """Erase, hold or release. The answer comes when it is durable, and of an erasure when the key is destroyed.

        To ask again changes nothing, and finishes what was cut off.
        Raises: LegalHold, NotFound for whom and what nobody knows, Gone, InvalidField, ProjectionBehind, Unavailable.
        """
        erasing.check(command)
        try:
            await self._check_known(command)
            ruling = await self._record(_Asked(self, command, caller))
            if isinstance(command, Erase):
                await self._mapper.keyring.destroy([command.person])
                await self._log.hear_of_people()
        except LegalHold as error:
            if self._refusals:
                self._refusals.note(type(command).__name__, "", error.code, caller)
            raise
        except StoreBusy:
            raise Overloaded(retry_after_ms=1000) from None
        except StoreUnavailable:
            raise Unavailable from None
        return ruling

    async def standing(self, person: str | None = None) -> Standing:
        """What is known of a person, if one is named, and of every hold. Raises: Unavailable, StoreUnavailable."""
        known = Standing(person)
        for fact in await self._log.open(await self._store.read_subjects(PEOPLE, list(known.seqs))):
            if fact.event is None:
                raise Unavailable(f"Event {fact.recorded.seq} of the stream of people cannot be read.")
            known.take(Numbered(fact.recorded.seq, fact.recorded.position), fact.event)
        return known

    async def rooms(self, command: AboutPeople) -> Sequence[str]:
        """For an erasure, the rooms in which the person took part by now. Raises: ProjectionBehind, Unavailable."""
        if not isinstance(command, Erase):
            return ()
        return await self._traces.rooms_of(command.person, min_position=await self._store.last_position())

    async def seal(self, events: Sequence[Event], known: Standing, caller: Caller) -> Entry:
        """What is to be recorded, if what is known is still so. Raises: Gone, StoreUnavailable."""
        try:
            await self._mapper.keyring.ensure(caller.person)
        except Erased:
            raise Gone("Who asks was erased.") from None
        conditions = [Condition(subject, seq) for subject, seq in known.seqs.items()]
        return Entry(PEOPLE, conditions, [self._mapper.seal(PEOPLE, event) for event in events])

    async def _check_known(self, command: AboutPeople) -> None:
        """Raises: NotFound, so that a slip of the pen is noticed."""
        if command.person is not None:
            if not await self._mapper.keyring.knows(command.person):
                raise NotFound("Nothing was ever recorded of this person.")
        elif not isinstance(command, Erase) and command.room is not None:
            rules = (await self._states.load(command.room, [RULES]))[RULES]
            if not (isinstance(rules, Rules) and rules.exists):
                raise NotFound("There is no such room.")

    async def _record(self, asked: "_Asked") -> Ruling:
        known = await asked.decide_again()
        return await self._writer.submit(asked) if known is None else known


class _Asked:
    """A command on its way: the writer's proposal."""

    def __init__(self, administration: Administration, command: AboutPeople, caller: Caller) -> None:
        self.entry: Entry
        self.lane = (PEOPLE, caller.person)
        self._administration = administration
        self._command = command
        self._caller = caller

    def recorded(self, numbers: Sequence[Numbered]) -> Ruling:
        seq, position = numbers[-1]
        return Ruling(seq=seq, position=position)

    async def decide_again(self) -> Ruling | None:
        """Decide from what the store says now. Raises: Refusal, StoreUnavailable."""
        command, caller = self._command, self._caller
        rooms = await self._administration.rooms(command)
        known = await self._administration.standing(command.person)
        cause = Cause(caller.person, now_ms(), caller.request_id, caller.address, caller.client)
        events = list(erasing.decide(command, known, rooms, cause))
        if not events:
            return _unchanged(command, known)
        self.entry = await self._administration.seal(events, known, caller)
        return None


def _unchanged(command: AboutPeople, known: Standing) -> Ruling:
    """Where the last event about it is, if there is one."""
    last = None if isinstance(command, Erase) else known.last(command.person, command.room)
    at = known.erased if isinstance(command, Erase) else last and last.at
    return Ruling(seq=at.seq if at else 0, position=at.position if at else 0, changed=False)
