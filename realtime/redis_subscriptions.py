"""Which channels this process wants, and at which server each was asked for.

What is wanted is a fact, what was asked is a hope: `flush` sends what is missing between the two, once in a turn of
the event loop. Whatever was asked and not confirmed in time is asked again, whoever owns the slot by then.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from realtime.redis_connection import pack
from realtime.redis_node import Node
from realtime.redis_topology import Topology, slot_of


class Subscriptions:
    """Subscriptions to sharded channels, which follow the slots."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._wanted: dict[bytes, int] = {}
        self._in_slot: dict[int, set[bytes]] = {}
        self._asked: dict[bytes, Node] = {}
        self._unconfirmed: set[bytes] = set()
        self._overdue: set[bytes] = set()
        self._due: set[bytes] = set()
        self._flushing = False

    def __len__(self) -> int:
        return len(self._wanted)

    @property
    def missing(self) -> int:
        """How many channels are wanted and not confirmed."""
        return sum(channel not in self._asked or channel in self._unconfirmed for channel in self._wanted)

    def want(self, channel: bytes) -> None:
        """Subscribe to a channel, as soon as its owner is there."""
        slot = self._wanted[channel] = slot_of(channel)
        self._in_slot.setdefault(slot, set()).add(channel)
        self._consider([channel])

    def forget(self, channel: bytes) -> None:
        """Subscribe to a channel no more."""
        slot = self._wanted.pop(channel, None)
        if slot is None:
            return
        self._in_slot[slot].discard(channel)
        if not self._in_slot[slot]:
            del self._in_slot[slot]
        self._consider([channel])

    def follow(self, slot: int | None = None) -> None:
        """Ask the new owners: of one slot, or of all."""
        self._consider(self._wanted if slot is None else self._in_slot.get(slot, ()))

    def lose(self, node: Node) -> None:
        """Nothing is subscribed to at this server any more."""
        lost = [channel for channel, asked in self._asked.items() if asked is node]
        for channel in lost:
            self._drop(channel)
        self._consider(lost)

    def take_push(self, node: Node, push: list[Any]) -> None:
        """Take a confirmation, or the news that a channel's slot went away from a server that we did not leave."""
        kind, channel, _ = push
        if self._asked.get(channel) is not node:
            return
        if kind == b"ssubscribe":
            self._unconfirmed.discard(channel)
        elif kind == b"sunsubscribe" and channel not in self._unconfirmed:
            self._drop(channel)
            self._consider([channel])

    def check(self) -> None:
        """To be called once a second: ask again for what was not confirmed between the last two calls."""
        overdue = self._overdue & self._unconfirmed
        for channel in overdue:
            self._drop(channel)
        self._due |= overdue
        self._overdue = set(self._unconfirmed)
        self.flush()

    def flush(self) -> None:
        """Ask every owner that takes it for what is wanted there, and leave what is not wanted."""
        self._flushing = False
        due, self._due = self._due, set()
        commands: dict[Node, list[bytes]] = {}
        for channel in due:
            if step := self._next_step(channel):
                node, command = step
                commands.setdefault(node, []).append(command)
        for node, packed in commands.items():
            node.write(b"".join(packed))

    def _next_step(self, channel: bytes) -> tuple[Node, bytes] | None:
        """What is to be told to which server, so that asked becomes wanted; noted as told."""
        asked, slot = self._asked.get(channel), self._wanted.get(channel)
        node = asked if slot is None else self._topology.owner(slot)
        if node is None or not node.is_connected or (slot is not None and node is asked):
            return None
        if not node.takes_writes:
            self._due.add(channel)
            return None
        if slot is None:
            self._drop(channel)
            return node, pack(b"SUNSUBSCRIBE", channel)
        self._asked[channel] = node
        self._unconfirmed.add(channel)
        return node, pack(b"SSUBSCRIBE", channel)

    def _consider(self, channels: Iterable[bytes]) -> None:
        self._due.update(channels)
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self.flush)

    def _drop(self, channel: bytes) -> None:
        del self._asked[channel]
        self._unconfirmed.discard(channel)
