"""Every command with what its decision must know and what is decided from it. Pure; `attempt` loads and records."""

from collections.abc import Iterable, Mapping, Sequence

from commands import amending, days, member, message, reaction, rules
from commands.amending import EditMessage, RedactMessage
from commands.events import Cause, Event, Numbered
from commands.member import Ban, Membership, Unban
from commands.message import MessageState, PostMessage
from commands.reaction import React, Reactions, Unreact
from commands.rules import ChangeRoom, OpenRoom, Rules
from commands.states import RULES, State

type Command = (
    PostMessage | EditMessage | RedactMessage | React | Unreact | OpenRoom | ChangeRoom | Ban | Unban
)  # fmt: skip


class Known:
    """The states that a decision rests on, each as what it is."""

    def __init__(self, states: Mapping[str, State]) -> None:
        self._states = states

    @property
    def rules(self) -> Rules:
        return self._find(RULES, Rules)

    def membership(self, person: str) -> Membership:
        return self._find(f"member:{person}", Membership)

    def message(self, message_id: str | None) -> MessageState:
        return self._find(f"message:{message_id}", MessageState)

    def reactions(self, message_id: str, person: str) -> Reactions:
        return self._find(f"reaction:{message_id}:{person}", Reactions)

    def _find[S: State](self, subject: str, kind: type[S]) -> S:
        found = self._states[subject]
        assert isinstance(found, kind)
        return found


def check(command: Command) -> None:
    """Refuse what no room would take, before anything is read. Raises: InvalidField, LabelReserved."""
    match command:
        case PostMessage():
            rules.check_label(command.room)
            message.check_post(command)
        case EditMessage():
            amending.check_edit(command)
        case RedactMessage():
            amending.check_redact(command)
        case React() | Unreact():
            reaction.check_reaction(command)


def subjects(command: Command, person: str, message_id: str | None) -> list[str]:
    """What the decision must know, and what must not have changed when it is recorded.

    `message_id` is that of a message which is posted.
    """
    match command:
        case OpenRoom() | ChangeRoom():
            return [RULES]
        case Ban() | Unban():
            return [RULES, f"member:{command.person}"]
        case PostMessage(reply_to=None):
            return [RULES, f"member:{person}", f"message:{message_id}"]
        case PostMessage():
            return [RULES, f"member:{person}", f"message:{message_id}", f"message:{command.reply_to}"]
        case EditMessage() | RedactMessage() | React() | Unreact():
            return [RULES, f"member:{person}", *reversed(about(command, person))]


def about(command: Command, person: str) -> list[str]:
    """Whose last event answers a command that changed nothing: the first of these about which there is one."""
    match command:
        case Ban() | Unban():
            return [f"member:{command.person}", RULES]
        case EditMessage() | RedactMessage():
            return [f"message:{command.message_id}"]
        case React() | Unreact():
            return [f"reaction:{command.message_id}:{person}", f"message:{command.message_id}"]
        case _:
            return [RULES]


def decide(command: Command, known: Known, cause: Cause) -> Iterable[Event]:
    """Decide a command that is not a post. Raises: Refusal."""
    match command:
        case OpenRoom():
            return rules.open_room(known.rules, command, cause)
        case ChangeRoom():
            return rules.change_room(known.rules, command, cause)
        case Ban():
            return member.ban(known.rules, known.membership(command.person), command, cause)
        case Unban():
            return member.unban(known.rules, known.membership(command.person), command, cause)
        case EditMessage() | RedactMessage() | React() | Unreact():
            return _change(command, known, cause)
        case PostMessage():
            raise TypeError("a post is decided by decide_post, which knows its id")


def day_of(command: Command, known: Known, events: Sequence[Event]) -> str:
    """The day with whose key what was decided is sealed as well; empty where the room keeps everything.

    What a message says instead is over when the message is. Of one from before the room kept it so, it is over with
    the day on which that began: nobody destroys the keys of earlier days.
    """
    if not known.rules.retain_days:
        return ""
    if isinstance(command, EditMessage):
        return max(days.day_of(known.message(command.message_id).posted_at), known.rules.retained_since)
    return days.day_of(events[0].occurred_at)


def _change(command: EditMessage | RedactMessage | React | Unreact, known: Known, cause: Cause) -> Iterable[Event]:
    standing, membership = known.rules, known.membership(cause.actor)
    changed = known.message(command.message_id)
    match command:
        case EditMessage():
            return amending.edit(standing, membership, changed, command, cause)
        case RedactMessage():
            return amending.redact(standing, membership, changed, command, cause)
        case React():
            theirs = known.reactions(command.message_id, cause.actor)
            return reaction.react(standing, membership, changed, theirs, command, cause)
        case Unreact():
            theirs = known.reactions(command.message_id, cause.actor)
            return reaction.unreact(standing, membership, changed, theirs, command, cause)


def decide_post(
    command: PostMessage, known: Known, message_id: str, handle: str, cause: Cause, *, autocreate: bool
) -> Iterable[Event]:
    """Decide a post; with `autocreate` it opens a room that does not exist. Raises: Refusal."""
    standing = known.rules
    if not standing.exists and autocreate:
        for event in rules.open_room(standing, OpenRoom(room=command.room), cause):
            standing = rules.evolve(standing, Numbered(1, 1), event)
            yield event
    replied_to = known.message(command.reply_to) if command.reply_to is not None else None
    membership = known.membership(cause.actor)
    yield from message.post(standing, membership, replied_to, command, message_id, handle, cause)
