"""One command on its way: which states it needs, what is decided from them, and what is told to whoever sent it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from commands import deciding, message, rules
from commands.clock import now_ms
from commands.days import day_key
from commands.deciding import Command, Known
from commands.errors import Gone, Overloaded, Refusal, Unavailable
from commands.events import Cause, Event, Numbered
from commands.identity import Caller
from commands.keyring import Erased
from commands.message import MessageState, PostMessage
from commands.rules import Rules
from commands.sealing import Mapper
from commands.states import State, States, evolve
from commands.store import Condition, Entry, StoreBusy, StoreUnavailable

__all__ = ["Attempt", "Command", "Receipt"]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command: where its (last) event is, or, when it changed nothing, its subject's last event."""

    room: str
    seq: int
    position: int
    message_id: str | None = None
    duplicate: bool = False
    changed: bool = True


class Attempt:
    """A command, its caller, and the decision as it stands: the writer's proposal.

    `pace` is asked once, before the first decision to record something; it raises when the caller is too fast.
    """

    def __init__(
        self,
        command: Command,
        caller: Caller,
        states: States,
        mapper: Mapper,
        *,
        autocreate: bool,
        pace: Callable[[Rules], None],
    ) -> None:
        self.command = command
        self.lane = (command.room, caller.person)
        self.entry: Entry
        self._caller = caller
        self._states = states
        self._mapper = mapper
        self._autocreate = autocreate
        self._pace = pace
        self.paced = False
        self._events: Sequence[Event] = ()
        self._before: Mapping[str, State] = {}
        self._message_id = _message_id(command, caller.person)
        self._subjects = deciding.subjects(command, caller.person, self._message_id)

    async def prepare(self) -> Receipt | None:
        """Decide from what is remembered if that suffices, else from the store. An answer means nothing to record.

        What is remembered may be out of date: only an entry, which the store checks, can be decided from it.
        Raises: Refusal.
        """
        before = self._remembered()
        if before is not None:
            with suppress(Refusal):
                if await self._decide(before) is None:
                    return None
        return await self.decide_again()

    async def decide_again(self) -> Receipt | None:
        """Decide from what the store says now. Raises: Refusal."""
        return await self._decide(await self._states.load(self.command.room, self._subjects))

    def recorded(self, numbers: Sequence[Numbered]) -> Receipt:
        """The receipt of what was recorded; what it changed is remembered."""
        after = dict(self._before)
        for event, at in zip(self._events, numbers, strict=True):
            after[event.subject] = evolve(after[event.subject], at, event)
        for subject in {event.subject for event in self._events}:
            self._states.learn(self.command.room, subject, after[subject])
        seq, position = numbers[-1]
        return Receipt(
            room=self.command.room,
            seq=seq,
            position=position,
            message_id=self._message_id,
        )

    def _remembered(self) -> Mapping[str, State] | None:
        """The states without reading, if all that must be known is remembered; a new message is expected to be new."""
        before: dict[str, State] = {}
        for subject in self._subjects:
            new = subject == f"message:{self._message_id}"
            state = MessageState() if new else self._states.remembered(self.command.room, subject)
            if state is None:
                return None
            before[subject] = state
        return before

    async def _decide(self, before: Mapping[str, State]) -> Receipt | None:
        self._before = before
        if known := self._known():
            return known
        events = list(self._decisions())
        if not events:
            return self._unchanged()
        if not self.paced:
            self._pace(Known(before).rules)
            self.paced = True
        day = deciding.day_of(self.command, Known(before), events)
        await self._ensure_keys(day)
        self._events = events
        self.entry = Entry(
            self.command.room,
            [Condition(subject, state.seq) for subject, state in before.items()],
            [self._mapper.seal(self.command.room, event, day) for event in events],
        )
        return None

    async def _ensure_keys(self, day: str) -> None:
        person, names = self._caller.person, [day_key(self.command.room, day)] if day else []
        try:
            await self._mapper.keyring.ensure(person, *names)
        except Erased as gone:
            of_person = gone.args == (person,)
            raise Gone("This person was erased." if of_person else "The room keeps that day no more.") from None
        except StoreBusy:
            raise Overloaded(retry_after_ms=1000) from None
        except StoreUnavailable:
            raise Unavailable from None

    def _known(self) -> Receipt | None:
        """The receipt of a message that was posted before. Raises: IdempotencyMismatch, Gone."""
        if not isinstance(self.command, PostMessage):
            return None
        known = Known(self._before)
        posted = known.message(self._message_id)
        if not posted.exists:
            return None
        rules.check_seen(known.rules, self._caller.person)
        message.check_same(posted, self.command)
        seq, position = posted.posted
        return Receipt(
            room=self.command.room,
            seq=seq,
            position=position,
            message_id=self._message_id,
            duplicate=True,
        )

    def _unchanged(self) -> Receipt:
        about = (self._before[subject] for subject in deciding.about(self.command, self._caller.person))
        latest = next(state for state in about if state.seq)
        return Receipt(
            room=self.command.room,
            seq=latest.seq,
            position=latest.position,
            changed=False,
        )

    def _decisions(self) -> Iterable[Event]:
        caller = self._caller
        cause = Cause(caller.person, now_ms(), caller.request_id, caller.address, caller.client)
        known = Known(self._before)
        if not isinstance(self.command, PostMessage):
            return deciding.decide(self.command, known, cause)
        assert self._message_id is not None
        handle = self.command.handle or caller.handle
        return deciding.decide_post(self.command, known, self._message_id, handle, cause, autocreate=self._autocreate)


def _message_id(command: Command, person: str) -> str | None:
    if not isinstance(command, PostMessage):
        return None
    if command.client_msg_id:
        return message.derive_id(command.room, person, command.client_msg_id)
    return message.new_id()
