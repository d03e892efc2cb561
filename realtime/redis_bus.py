"""The bus of many processes: sharded pub/sub of Redis or Valkey, one server or a cluster.

What this process publishes reaches its own sockets at once; Redis carries it to the others. Nothing is kept for a
server that is away or does not read: hints are dropped and counted, and the hubs read what they miss from the store.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from commands.subscription import Recorded
from realtime.bus import LocalBus, Receiver
from realtime.hints import Hints, unpack
from realtime.redis_address import Address, parse
from realtime.redis_connection import pack
from realtime.redis_node import Node
from realtime.redis_subscriptions import Subscriptions
from realtime.redis_topology import Topology, slot_of

log = logging.getLogger(__name__)

CHECK_S = 1.0
SPUBLISH = b"*3\r\n$8\r\nSPUBLISH\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"


class BusState(NamedTuple):
    """How the bus is doing. Rooms now, events since the start; `refused` counts commands that a server refused."""

    servers: int
    connected: int
    rooms: int
    rooms_missing: int
    published: int
    received: int
    dropped: int
    refused: int
    reconnects: int


class Companion(Protocol):
    """Who uses the bus's connections and channels for something else."""

    script: bytes
    forms: tuple[bytes, ...]
    """The first byte of each form of packets that are theirs."""

    def take(self, room: str, packet: bytes) -> None:
        """Take a packet. Raises: ValueError for one that is broken."""


class RedisBus:
    """A `Bus` over the servers at `url` (realtime/redis_address.py). Raises: ValueError for a URL that is none."""

    def __init__(self, url: str) -> None:
        self._access = parse(url)
        self._prefix = b"verbatim:%d:room:" % self._access.database
        self._here = LocalBus()
        self._hints = Hints()
        self._topology = Topology(self._access.seeds, self._join)
        self._subscriptions = Subscriptions(self._topology)
        self._checking: asyncio.Task[None] | None = None
        self._companion: Companion | None = None
        self._known: set[Address] = set()
        self._refusals: set[str] = set()
        self.published = self.received = self.dropped = self.refused = self.reconnects = 0

    async def start(self) -> None:
        """Begin to connect. Does not wait for Redis: the bus is a help, not a need."""
        self._topology.start()
        self._checking = asyncio.create_task(self._check(), name="redis bus")

    async def stop(self) -> None:
        """Send what was published, and leave."""
        if self._checking:
            self._checking.cancel()
            await asyncio.gather(self._checking, return_exceptions=True)
        await self._topology.stop()

    @property
    def state(self) -> BusState:
        """The bus's state, for metrics and health."""
        nodes = self._topology.nodes.values()
        return BusState(
            servers=len(nodes),
            connected=sum(node.is_connected for node in nodes),
            rooms=len(self._subscriptions),
            rooms_missing=self._subscriptions.missing,
            published=self.published,
            received=self.received,
            dropped=self.dropped,
            refused=self.refused,
            reconnects=self.reconnects,
        )

    def publish(self, events: Sequence[Recorded]) -> None:
        """Hand events to our own sockets and hint at them to the other processes: one command a room."""
        self._here.publish(events)
        try:
            self._send(events)
        except Exception:
            log.exception("hints were lost")

    def subscribe(self, room: str) -> None:
        """Hear of a room, as soon as Redis is there."""
        self._here.subscribe(room)
        self._subscriptions.want(self._channel(room))

    def unsubscribe(self, room: str) -> None:
        """Hear of a room no more."""
        self._here.unsubscribe(room)
        self._subscriptions.forget(self._channel(room))

    def deliver_to(self, receiver: Receiver) -> None:
        self._here.deliver_to(receiver)

    def accompany(self, companion: Companion) -> None:
        """Load its script at every server, and hand it the packets of its forms."""
        self._companion = companion

    def reaches(self, room: str) -> bool:
        """Whether the server of a room's channel takes commands."""
        node = self._topology.owner(slot_of(self._channel(room)))
        return node is not None and node.takes_writes

    def evaluate(self, room: str, script: str, words: Sequence[str | bytes]) -> None:
        """Run a script at the server of a room's channel; its key is the channel's name in braces. Not answered."""
        channel = self._channel(room)
        if node := self._topology.owner(slot_of(channel)):
            node.write(pack("EVALSHA", script, "1", b"{%b}" % channel, *words))

    def announce(self, room: str, packet: bytes) -> None:
        """Publish a packet on a room's channel."""
        channel = self._channel(room)
        if node := self._topology.owner(slot_of(channel)):
            node.write(SPUBLISH % (len(channel), channel, len(packet), packet))

    def connected(self, node: Node, *, in_cluster: bool) -> None:
        """A server is there (again): everything is subscribed to anew."""
        if self._access.database and not in_cluster:
            node.write(pack("SELECT", str(self._access.database)))
        self._load_script(node)
        self.reconnects += node.address in self._known
        self._known.add(node.address)
        self._refusals.clear()
        self._topology.welcome(node, in_cluster=in_cluster)
        self._subscriptions.follow()

    def disconnected(self, node: Node) -> None:
        self._subscriptions.lose(node)

    def take_messages(self, messages: list[list[bytes]]) -> None:
        """Hand on what other processes published; all of one read together."""
        events: list[Recorded] = []
        companion = self._companion
        for _, channel, packet in messages:
            if self._hints.is_own(packet):
                continue
            try:
                if companion and packet[:1] in companion.forms:
                    companion.take(channel[len(self._prefix) :].decode(), packet)
                else:
                    events += unpack(packet)
            except ValueError as error:
                self._refuse(f"BROKEN {error}")
        self.received += len(events)
        self._here.publish(events)

    def take_push(self, node: Node, push: list[Any]) -> None:
        self._subscriptions.take_push(node, push)

    def take_slots(self, node: Node, slots: list[Any]) -> None:
        """A cluster is divided like this now."""
        if self._topology.adopt(slots, node):
            self._subscriptions.follow()

    def take_refusal(self, node: Node, reason: str) -> None:
        """A command was refused: what it hinted at is lost, and what it asked for is asked again."""
        if reason.startswith("MOVED "):
            self.refused += 1
            if (slot := self._topology.move(reason, node)) is not None:
                self._subscriptions.follow(slot)
        elif reason.startswith("NOSCRIPT "):
            self.refused += 1
            self._load_script(node)
        else:
            self._refuse(reason)

    def _send(self, events: Sequence[Recorded]) -> None:
        rooms: dict[str, list[Recorded]] = {}
        for event in events:
            rooms.setdefault(event.stream, []).append(event)
        commands: dict[Node, list[bytes]] = {}
        for room, hinted in rooms.items():
            channel = self._channel(room)
            node = self._topology.owner(slot_of(channel))
            if node is None or not node.takes_writes:
                self.dropped += len(hinted)
                continue
            packet = self._hints.pack(hinted)
            commands.setdefault(node, []).append(SPUBLISH % (len(channel), channel, len(packet), packet))
            self.published += len(hinted)
        for node, packed in commands.items():
            node.write(b"".join(packed))

    def _load_script(self, node: Node) -> None:
        if self._companion:
            node.write(pack("SCRIPT", "LOAD", self._companion.script))

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                self._topology.check()
                self._subscriptions.check()
            except Exception:
                log.exception("the bus could not be checked")

    def _refuse(self, reason: str) -> None:
        """Count what went wrong, and say it once, until servers come back."""
        self.refused += 1
        kind = reason.partition(" ")[0]
        if kind not in self._refusals:
            self._refusals.add(kind)
            log.warning("a hint or a subscription was refused: %s", reason)

    def _channel(self, room: str) -> bytes:
        return self._prefix + room.encode()

    def _join(self, address: Address) -> Node:
        return Node(address, self._access, self)
