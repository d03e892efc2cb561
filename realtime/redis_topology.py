"""Which server owns which slot: one owns all of them, or the slots of a cluster are spread and may move.

What is known here may be out of date at any time. A server that is asked for a slot it does not own says MOVED, and
who owns it now; one that hears of a whole new division is asked for it (CLUSTER SLOTS) once in a while.
"""

import asyncio
import logging
import random
from binascii import crc_hqx
from collections.abc import Callable
from typing import Any

from realtime.redis_address import Address
from realtime.redis_connection import pack
from realtime.redis_node import Node

log = logging.getLogger(__name__)

SLOTS = 16384
ASK_SLOTS = pack("CLUSTER", "SLOTS")
REFRESH_CHECKS = 10
"""While nothing seems wrong, the cluster is asked only at every tenth check."""
UNKNOWN_HOSTS = (None, b"", b"?")


def slot_of(channel: bytes) -> int:
    """A channel's slot in a cluster: of the part in braces where there is one (Redis Cluster specification)."""
    if (begin := channel.find(b"{")) >= 0 and (end := channel.find(b"}", begin)) > begin + 1:
        channel = channel[begin + 1 : end]
    return crc_hqx(channel, 0) % SLOTS


class Topology:
    """The servers that matter, each with a node that stays connected to it. `join` makes a node."""

    def __init__(self, seeds: tuple[Address, ...], join: Callable[[Address], Node]) -> None:
        self.nodes: dict[Address, Node] = {}
        self._seeds = seeds
        self._join = join
        self._owners: list[Node | None] = [None] * SLOTS
        self._in_cluster = False
        self._known: list[Any] = []
        self._moved: set[int] = set()
        self._checks = 0
        self._leaving: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin with the seeds."""
        for address in self._seeds:
            self._node(address)

    async def stop(self) -> None:
        """Leave every server."""
        self._retire(set())
        self._owners = [None] * SLOTS
        await asyncio.gather(*self._leaving)

    def owner(self, slot: int) -> Node | None:
        """Who owns a slot, if that is known."""
        return self._owners[slot]

    def welcome(self, node: Node, *, in_cluster: bool) -> None:
        """Take note of what a freshly connected server says it is."""
        self._in_cluster = in_cluster
        if in_cluster:
            node.write(ASK_SLOTS)
        elif node.address == self._seeds[0]:
            self._owners = [node] * SLOTS
            self._retire({node})
        else:
            log.error("redis %s is not in a cluster: only the first host of REDIS_URL is used", node.address)

    def adopt(self, slots: list[Any], told_by: Node) -> bool:
        """Take over the division that a server knows, as CLUSTER SLOTS says it; answers whether it is new."""
        if not slots:
            return False
        is_new = slots != self._known
        if is_new:
            self._known = slots
            self._owners = [None] * SLOTS
            for first, last, (host, port, *_), *_ in slots:
                owner = self._node(_address(host, port, told_by))
                self._owners[first : last + 1] = [owner] * (last + 1 - first)
        self._retire({owner for owner in self._owners if owner})
        return is_new

    def move(self, moved: str, told_by: Node) -> int | None:
        """Follow `MOVED slot host:port`; answers the slot if its owner changed.

        Once between two checks: two servers that disagree would send us to and fro.
        """
        _, number, address = moved.split(" ", 2)
        host, _, port = address.rpartition(":")
        slot, owner = int(number), self._node(_address(host.strip("[]").encode(), int(port), told_by))
        if self._owners[slot] is owner or slot in self._moved:
            return None
        self._owners[slot] = owner
        self._moved.add(slot)
        self._known = []
        return slot

    def check(self) -> None:
        """To be called once a second: see that servers live, and that we know who owns what."""
        for node in self.nodes.values():
            node.check()
        self._checks += 1
        self._moved.clear()
        connected = [node for node in self.nodes.values() if node.is_connected]
        if not connected:
            self.start()
        elif self._in_cluster and (not self._is_settled(connected) or self._checks % REFRESH_CHECKS == 0):
            random.choice(connected).write(ASK_SLOTS)  # noqa: S311 - no secret

    def _is_settled(self, connected: list[Node]) -> bool:
        return len(connected) == len(self.nodes) and bool(self._known)

    def _node(self, address: Address) -> Node:
        if address not in self.nodes:
            self.nodes[address] = self._join(address)
        return self.nodes[address]

    def _retire(self, needed: set[Node]) -> None:
        """Leave the servers that are not needed."""
        for node in [node for node in self.nodes.values() if node not in needed]:
            del self.nodes[node.address]
            leaving = asyncio.create_task(node.leave(), name=f"leave redis {node.address}")
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)


def _address(host: bytes | None, port: int, told_by: Node) -> Address:
    """An address as a server says it; one that does not know its own name leaves it out."""
    return Address(told_by.address.host if host in UNKNOWN_HOSTS else host.decode(), port)
