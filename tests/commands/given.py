"""given(events).when(command).then(events or refusal): how a decision is told."""

from collections.abc import Iterable
from typing import Any, Self

import pytest

from commands import member, message, rules
from commands.errors import Refusal
from commands.events import Cause, Event, MessagePosted, Numbered, RoomOpened
from commands.member import Ban, Membership, Unban
from commands.message import MessageState, PostMessage
from commands.rules import ChangeRoom, OpenRoom, Rules
from tests.cast import ADA, GENERAL, GRACE, NOON

Command = OpenRoom | ChangeRoom | PostMessage | Ban | Unban


def by(person: str, at: int = NOON) -> dict[str, Any]:
    """The stamp of what `person` did."""
    return Cause(person, at, "req-1").stamp()


OPENED = RoomOpened(**by(ADA), title=GENERAL, visibility="public")
PRIVATE = RoomOpened(**by(ADA), title=GENERAL, visibility="private")
HELLO_ID = message.derive_id(GENERAL, GRACE, "hello-1")
HELLO = MessagePosted(
    **by(GRACE), message_id=HELLO_ID, message="hello", handle="grace", reply_to=None, client_msg_id="hello-1"
)


class given:  # noqa: N801 (it reads as a sentence)
    """A room to which these events have happened."""

    def __init__(self, *events: Event) -> None:
        self.events = events
        self._outcome: Iterable[Event] | Refusal = ()

    def rules(self) -> Rules:
        state = Rules()
        for seq, event in enumerate(self.events, 1):
            state = rules.evolve(state, Numbered(seq, seq + 100), event)
        return state

    def membership(self, person: str) -> Membership:
        state = Membership()
        for seq, event in enumerate(self.events, 1):
            if event.subject == f"member:{person}":
                state = member.evolve(state, Numbered(seq, seq + 100), event)
        return state

    def message(self, message_id: str | None) -> MessageState:
        state = MessageState()
        for seq, event in enumerate(self.events, 1):
            if event.subject == f"message:{message_id}":
                state = message.evolve(state, Numbered(seq, seq + 100), event)
        return state

    def when(self, command: Command, *, by: str = ADA, at: int = NOON) -> Self:
        try:
            self._outcome = list(self._decide(command, Cause(by, at, "req-1")))
        except Refusal as refusal:
            self._outcome = refusal
        return self

    def then(self, *expected: Event) -> None:
        assert self._outcome == list(expected)

    def then_refused(self, refusal: type[Refusal], field: str | None = None) -> None:
        if not isinstance(self._outcome, Refusal):
            pytest.fail(f"expected {refusal.__name__}, got {self._outcome}")
        assert type(self._outcome) is refusal
        assert field is None or self._outcome.errors[0]["field"] == field

    def _decide(self, command: Command, cause: Cause) -> Iterable[Event]:
        match command:
            case OpenRoom():
                return rules.open_room(self.rules(), command, cause)
            case ChangeRoom():
                return rules.change_room(self.rules(), command, cause)
            case Ban():
                return member.ban(self.rules(), self.membership(command.person), command, cause)
            case Unban():
                return member.unban(self.rules(), self.membership(command.person), command, cause)
            case PostMessage():
                return self._post(command, cause)

    def _post(self, command: PostMessage, cause: Cause) -> Iterable[Event]:
        message.check_post(command)
        message_id = message.derive_id(command.room, cause.actor, command.client_msg_id or message.mint())
        replied_to = self.message(command.reply_to) if command.reply_to else None
        handle = command.handle or member.default_handle(cause.actor)
        return message.post(self.rules(), self.membership(cause.actor), replied_to, command, message_id, handle, cause)
