"""The states that decisions start from, folded from their subjects' events and remembered.

A remembered state may allow a command, never refuse it: the store's conditions catch one that is out of date, and
before anything is refused its subjects are read again.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from commands import member, message, reaction, rules
from commands.errors import Overloaded, Unavailable
from commands.events import Event, Numbered
from commands.member import Membership
from commands.message import MessageState
from commands.reaction import Reactions
from commands.rules import Rules
from commands.sealing import Fact, Mapper
from commands.store import Recorded, Store, StoreBusy, StoreUnavailable

type State = Rules | Membership | MessageState | Reactions

MAX_REMEMBERED = 50_000
RULES = "rules"


def blank(subject: str) -> State:
    """The state of a subject about which nothing has happened."""
    if subject == RULES:
        return Rules()
    blanks: dict[str, State] = {"member": Membership(), "message": MessageState(), "reaction": Reactions()}
    return blanks[subject.partition(":")[0]]


def evolve(state: State, at: Numbered, event: Event) -> State:
    """The state after one more event about its subject."""
    match state:
        case Rules():
            return rules.evolve(state, at, event)
        case Membership():
            return member.evolve(state, at, event)
        case MessageState():
            return message.evolve(state, at, event)
        case Reactions():
            return reaction.evolve(state, at, event)


class States:
    """Loads states from the store and remembers those of rules and members, the longest unused forgotten first."""

    def __init__(self, store: Store, mapper: Mapper, *, max_remembered: int = MAX_REMEMBERED) -> None:
        self._store = store
        self._mapper = mapper
        self._max_remembered = max_remembered
        self._remembered: OrderedDict[tuple[str, str], State] = OrderedDict()

    def remembered(self, room: str, subject: str) -> State | None:
        """A state that was true when it was last looked at, if there is one."""
        state = self._remembered.get((room, subject))
        if state is not None:
            self._remembered.move_to_end((room, subject))
        return state

    async def load(self, room: str, subjects: Sequence[str]) -> Mapping[str, State]:
        """The states of these subjects as the store has them now. Raises: Unavailable."""
        try:
            facts = await self._mapper.open(await self._read(room, subjects))
        except StoreBusy:
            raise Overloaded(retry_after_ms=1000) from None
        except StoreUnavailable:
            raise Unavailable from None
        states = {subject: blank(subject) for subject in subjects}
        for fact in facts:
            subject = fact.recorded.subject
            states[subject] = _after(states[subject], fact)
        over = self._mapper.erasures.over_before(room)
        for subject, state in states.items():
            if isinstance(state, MessageState) and state.posted_at < over:
                states[subject] = message.without_words(state)
            self._remember(room, subject, state)
        return states

    async def _read(self, room: str, subjects: Sequence[str]) -> Sequence[Recorded]:
        """What these states are folded from: all events, but of a message its ends, however often it was edited."""
        messages = [subject for subject in subjects if subject.startswith("message:")]
        others = [subject for subject in subjects if subject not in messages]
        return await self._store.read_subjects(room, others, ends_of=messages)

    def learn(self, room: str, subject: str, state: State) -> None:
        """Remember a state that follows from events of our own that were just recorded."""
        self._remember(room, subject, state)

    def _remember(self, room: str, subject: str, state: State) -> None:
        if isinstance(state, MessageState | Reactions) or (subject == RULES and state.seq == 0):
            return
        self._remembered[room, subject] = state
        self._remembered.move_to_end((room, subject))
        if len(self._remembered) > self._max_remembered:
            self._remembered.popitem(last=False)


def _after(state: State, fact: Fact) -> State:
    if fact.event is None:
        raise Unavailable(f"Event {fact.recorded.seq} of this room cannot be read.")
    return evolve(state, Numbered(fact.recorded.seq, fact.recorded.position), fact.event)
