"""Carries committed events to every process with listeners, as hints: copies that may be lost, doubled or swapped."""

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from commands.subscription import Recorded

log = logging.getLogger(__name__)

type Receiver = Callable[[Sequence[Recorded]], None]


class Bus(Protocol):
    """Fire and forget. What arrives is sealed as it is stored; nobody depends on its arriving."""

    def publish(self, events: Sequence[Recorded]) -> None:
        """Hint at committed events. Never raises, never blocks."""

    def subscribe(self, room: str) -> None:
        """Begin to hear of a room, some time soon."""

    def unsubscribe(self, room: str) -> None:
        """Hear no more of a room."""

    def deliver_to(self, receiver: Receiver) -> None:
        """Hand what arrives for subscribed rooms to `receiver`, on the event loop."""


class LocalBus:
    """The bus of a process that is alone."""

    def __init__(self) -> None:
        self._rooms: set[str] = set()
        self._receiver: Receiver | None = None

    def publish(self, events: Sequence[Recorded]) -> None:
        """Hand the events of subscribed rooms on at once."""
        heard = [event for event in events if event.stream in self._rooms]
        if not heard or self._receiver is None:
            return
        try:
            self._receiver(heard)
        except Exception:
            log.exception("a hint was lost")

    def subscribe(self, room: str) -> None:
        """Hear of a room."""
        self._rooms.add(room)

    def unsubscribe(self, room: str) -> None:
        """Hear no more of a room."""
        self._rooms.discard(room)

    def deliver_to(self, receiver: Receiver) -> None:
        """Hand what is published to `receiver`."""
        self._receiver = receiver
