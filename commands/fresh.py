"""Events that a process sealed itself and will soon meet again: its hubs and projections need not open them."""

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from commands.days import day_key
from commands.events import Event
from commands.keyring import Keyring
from commands.store import NewEvent, Recorded

MAX_FRESH = 2048


class Sealed(NamedTuple):
    """An event that was sealed here: where, as what, and with the key of which day, if of any."""

    stream: str
    sealed: NewEvent
    event: Event
    day: str


class Fresh:
    """The latest ones, each for as long as the keys are at hand with which it was sealed."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._sealed: OrderedDict[bytes, Sealed] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sealed)

    def keep(self, sealed: Sealed) -> None:
        """Keep one more, and forget the oldest if they are too many."""
        self._sealed[sealed.sealed.state] = sealed
        if len(self._sealed) > MAX_FRESH:
            self._sealed.popitem(last=False)

    def find(self, row: Recorded) -> Event | None:
        """The event that is stored there, if it was sealed here."""
        known = self._sealed.get(row.state)
        if known is None:
            return None
        stream, sealed, event, day = known
        same = (stream, sealed.topic, sealed.subject) == (row.stream, row.topic, row.subject)
        held = self._keyring.holds(event.actor) and (not day or self._keyring.holds(day_key(stream, day)))
        return event if same and held else None

    def forget(self, is_over: Callable[[Sealed], bool]) -> None:
        """Keep those no more that are over."""
        for state in [state for state, sealed in self._sealed.items() if is_over(sealed)]:
            del self._sealed[state]
