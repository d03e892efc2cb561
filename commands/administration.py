"""The door for what auditors do about people: erase, hold, release. Load, decide, save; then forget."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from commands import erasing
from commands.clock import now_ms
from commands.erasing import AboutPeople, Erase, Expire, Standing
from commands.errors import Gone, LegalHold, NotFound, Overloaded, Unavailable
from commands.events import Cause, Event, Numbered
from commands.identity import Caller
from commands.keyring import Erased
from commands.people import HOLDS, PEOPLE
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

    async def took_part(self, room: str, persons: Sequence[str], *, min_position: int) -> Sequence[str]:
        """Those of these people who did something in a room by this position. Raises: ProjectionBehind, Unavailable."""


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
        """Carry a command out. The answer comes when it is durable, and when the keys are destroyed that it destroys.

        To ask again changes nothing, and finishes what was cut off.
        Raises: LegalHold, NotFound for whom and what nobody knows, Gone, InvalidField, ProjectionBehind, Unavailable.
        """
        erasing.check(command)
        try:
            await self._check_known(command)
            ruling = await self._record(_Asked(self, command, caller))
            if isinstance(command, Erase):
                await self._mapper.keyring.destroy([command.person])
            if isinstance(command, Erase | Expire):
                await self._log.hear_of_people()
        except LegalHold as error:
            if self._refusals and not isinstance(command, Expire):  # nobody asked: time went by
                self._refusals.note(type(command).__name__, "", error.code, caller)
            raise
        except StoreBusy:
            raise Overloaded(retry_after_ms=1000) from None
        except StoreUnavailable:
            raise Unavailable from None
        return ruling

    async def standing(self, about: str | None = None) -> Standing:
        """What is known about a subject, if one is named, and of every hold. Raises: Unavailable, StoreUnavailable."""
        known = Standing(about)
        ends = [about] if about else []
        for fact in await self._log.open(await self._store.read_subjects(PEOPLE, [HOLDS], ends_of=ends)):
            if fact.event is None:
                raise Unavailable(f"Event {fact.recorded.seq} of the stream of people cannot be read.")
            known.take(Numbered(fact.recorded.seq, fact.recorded.position), fact.event)
        return known

    async def concerned(self, command: AboutPeople, known: Standing) -> Sequence[str]:
        """Whom or what a decision concerns besides (see `erasing.decide`). Raises: ProjectionBehind, Unavailable."""
        match command:
            case Erase():
                now = await self._store.last_position()
                return await self._traces.rooms_of(command.person, min_position=now)
            case Expire() if held := known.held_persons():
                now = await self._store.last_position()
                return await self._traces.took_part(command.room, held, min_position=now)
            case _:
                return ()

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
        person, room = erasing.named(command)
        if person is not None:
            if not await self._mapper.keyring.knows(person):
                raise NotFound("Nothing was ever recorded of this person.")
        elif room is not None and not (await self.rules(room)).exists:
            raise NotFound("There is no such room.")

    async def rules(self, room: str) -> Rules:
        """A room's rules as the store has them now. Raises: Unavailable."""
        rules = (await self._states.load(room, [RULES]))[RULES]
        assert isinstance(rules, Rules)
        return rules

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
        known = await self._administration.standing(erasing.about(command))
        concerned = await self._administration.concerned(command, known)
        cause = Cause(caller.person, now_ms(), caller.request_id, caller.address, caller.client)
        events = list(erasing.decide(command, known, concerned, cause))
        if not events:
            return _unchanged(command, known)
        self.entry = await self._administration.seal(events, known, caller)
        return None


def _unchanged(command: AboutPeople, known: Standing) -> Ruling:
    """Where the last event about it is, if there is one."""
    match command:
        case Erase():
            at = known.erased
        case Expire():
            at = known.expired
        case _:
            last = known.last(command.person, command.room)
            at = last.at if last else None
    return Ruling(seq=at.seq if at else 0, position=at.position if at else 0, changed=False)
