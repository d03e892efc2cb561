"""given(events).when(command).then(events or refusal): how a decision is told."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import pytest

from commands import deciding, member, message
from commands.deciding import Command
from commands.errors import Refusal
from commands.events import Cause, Event, MessagePosted, Numbered, RoomOpened
from commands.member import Membership
from commands.message import MessageState, PostMessage
from commands.rules import Rules
from commands.states import State, blank, evolve
from tests.cast import ADA, GENERAL, GRACE, NOON


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

    def state(self, subject: str) -> State:
        """What is known of a subject."""
        state = blank(subject)
        for seq, event in enumerate(self.events, 1):
            if event.subject == subject:
                state = evolve(state, Numbered(seq, seq + 100), event)
        return state

    def rules(self) -> Rules:
        return self._known(["rules"]).rules

    def membership(self, person: str) -> Membership:
        return self._known([f"member:{person}"]).membership(person)

    def message(self, message_id: str) -> MessageState:
        return self._known([f"message:{message_id}"]).message(message_id)

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
        deciding.check(command)
        if not isinstance(command, PostMessage):
            known = self._known(deciding.subjects(command, cause.actor, None))
            return deciding.decide(command, known, cause)
        named = command.client_msg_id
        message_id = message.derive_id(command.room, cause.actor, named) if named else message.new_id()
        known = self._known(deciding.subjects(command, cause.actor, message_id))
        handle = command.handle or member.default_handle(cause.actor)
        return deciding.decide_post(command, known, message_id, handle, cause, autocreate=False)

    def _known(self, subjects: Sequence[str]) -> deciding.Known:
        return deciding.Known({subject: self.state(subject) for subject in subjects})
