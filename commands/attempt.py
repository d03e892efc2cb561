"""One command on its way: which states it needs, what is decided from them, and what is told to whoever sent it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

import msgspec

from commands import member, message, rules
from commands.clock import now_ms
from commands.errors import Gone, Overloaded, Refusal, Unavailable
from commands.events import Cause, Event, Numbered
from commands.identity import Caller
from commands.member import Ban, Membership, Unban
from commands.message import MessageState, PostMessage
from commands.rules import ChangeRoom, OpenRoom, Rules
from commands.sealing import Erased, Mapper
from commands.states import RULES, State, States, evolve
from commands.store import Condition, Entry, StoreBusy, StoreUnavailable

type Command = PostMessage | OpenRoom | ChangeRoom | Ban | Unban


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
        self._subjects = _subjects(command, caller.person, self._message_id)

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
        if isinstance(self.command, PostMessage) and self.command.reply_to is not None:
            return None
        before: dict[str, State] = {}
        for subject in self._subjects:
            new = subject.startswith("message:")
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
            self._pace(self._rules)
            self.paced = True
        await self._ensure_key()
        self._events = events
        self.entry = Entry(
            self.command.room,
            [Condition(subject, state.seq) for subject, state in before.items()],
            [self._mapper.seal(self.command.room, event) for event in events],
        )
        return None

    async def _ensure_key(self) -> None:
        try:
            await self._mapper.keyring.ensure(self._caller.person)
        except Erased:
            raise Gone("This person was erased.") from None
        except StoreBusy:
            raise Overloaded(retry_after_ms=1000) from None
        except StoreUnavailable:
            raise Unavailable from None

    @property
    def _rules(self) -> Rules:
        found = self._before[RULES]
        assert isinstance(found, Rules)
        return found

    def _known(self) -> Receipt | None:
        """The receipt of a message that was posted before. Raises: IdempotencyMismatch, Gone."""
        if not isinstance(self.command, PostMessage):
            return None
        posted = self._before[f"message:{self._message_id}"]
        assert isinstance(posted, MessageState)
        if not posted.exists:
            return None
        rules.check_seen(self._rules, self._caller.person)
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
        latest = max(self._before.values(), key=lambda state: state.seq)
        return Receipt(
            room=self.command.room,
            seq=latest.seq,
            position=latest.position,
            changed=False,
        )

    def _decisions(self) -> Iterable[Event]:
        caller = self._caller
        cause = Cause(caller.person, now_ms(), caller.request_id, caller.address, caller.client)
        match self.command:
            case OpenRoom():
                return rules.open_room(self._rules, self.command, cause)
            case ChangeRoom():
                return rules.change_room(self._rules, self.command, cause)
            case Ban():
                return member.ban(
                    self._rules,
                    self._membership(self.command.person),
                    self.command,
                    cause,
                )
            case Unban():
                return member.unban(
                    self._rules,
                    self._membership(self.command.person),
                    self.command,
                    cause,
                )
            case PostMessage():
                return self._post(self.command, cause)

    def _post(self, command: PostMessage, cause: Cause) -> Iterable[Event]:
        standing = self._rules
        if not standing.exists and self._autocreate:
            for event in rules.open_room(standing, OpenRoom(room=command.room), cause):
                standing = rules.evolve(standing, Numbered(1, 1), event)
                yield event
        replied_to = self._before.get(f"message:{command.reply_to}")
        assert self._message_id is not None
        assert replied_to is None or isinstance(replied_to, MessageState)
        handle = command.handle or self._caller.handle
        yield from message.post(
            standing,
            self._membership(cause.actor),
            replied_to,
            command,
            self._message_id,
            handle,
            cause,
        )

    def _membership(self, person: str) -> Membership:
        found = self._before[f"member:{person}"]
        assert isinstance(found, Membership)
        return found


def _message_id(command: Command, person: str) -> str | None:
    if not isinstance(command, PostMessage):
        return None
    return message.derive_id(command.room, person, command.client_msg_id or message.mint())


def _subjects(command: Command, person: str, message_id: str | None) -> list[str]:
    """What the decision must know, and what must not have changed when it is recorded."""
    match command:
        case OpenRoom() | ChangeRoom():
            return [RULES]
        case Ban() | Unban():
            return [RULES, f"member:{command.person}"]
        case PostMessage(reply_to=None):
            return [RULES, f"member:{person}", f"message:{message_id}"]
        case PostMessage():
            return [
                RULES,
                f"member:{person}",
                f"message:{message_id}",
                f"message:{command.reply_to}",
            ]
