"""A real Valkey Cluster: three primaries on free loopback ports, each with a replica that can take over.

with ValkeyCluster() as cluster:
    cluster.owner(slot).kill()
    cluster.move(slot, to=cluster.primaries[0])
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import hiredis
import psutil

from tests.servers import LOOPBACK, Valkey, free_port

SLOTS = 16384
NODE_TIMEOUT_MS = 2000
SETTLE_S = 40.0


class ClusterNode(Valkey):
    """One server of a cluster, which knows nobody yet. It keeps its name over a restart."""

    def __init__(self) -> None:
        self.bus_port = free_port()
        options = {
            "cluster-enabled": "yes",
            "cluster-port": self.bus_port,
            "cluster-node-timeout": NODE_TIMEOUT_MS,
            "cluster-replica-validity-factor": 0,
            "cluster-allow-replica-migration": "no",
            "repl-diskless-sync-delay": 0,
        }
        super().__init__(*(str(word) for name, value in options.items() for word in (f"--{name}", value)))

    @property
    def name(self) -> str:
        """The cluster's id of this server."""
        name: str = ask(self, "CLUSTER", "MYID").decode()
        return name


class ValkeyCluster:
    """A cluster that is whole when `with` begins. Slots are divided evenly, in the order of `primaries`."""

    def __init__(self, primaries: int = 3, replicas: int = 3) -> None:
        self.primaries = [ClusterNode() for _ in range(primaries)]
        self.replicas = [ClusterNode() for _ in range(replicas)]
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for node in self.nodes:
                running.enter_context(node)
            self._form()
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def nodes(self) -> list[ClusterNode]:
        return [*self.primaries, *self.replicas]

    @property
    def url(self) -> str:
        return "redis://" + ",".join(f"{LOOPBACK}:{node.port}" for node in self.nodes)

    def owner(self, slot: int) -> ClusterNode:
        """The server that owns a slot, as a living one sees it."""
        return next(owner for first, last, owner in self._division() if first <= slot <= last)

    @property
    def owners(self) -> list[ClusterNode]:
        """The servers that own slots at present."""
        return list(dict.fromkeys(owner for _, _, owner in self._division()))

    def move(self, slot: int, to: ClusterNode) -> None:
        """Migrate a slot, without keys, as an operator's tool does."""
        source = self.owner(slot)
        ask(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", source.name)
        ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", to.name)
        for node in (to, source):
            ask(node, "CLUSTER", "SETSLOT", slot, "NODE", to.name)

    def mend(self) -> None:
        """Start what was killed, and wait until the cluster is whole."""
        for node in self.nodes:
            if not is_alive(node):
                node.start()
        wait_for(self._is_whole, "the cluster is whole")

    def _division(self) -> list[tuple[int, int, ClusterNode]]:
        asked = next(node for node in self.nodes if is_alive(node))
        at_port = {node.port: node for node in self.nodes}
        return [(first, last, at_port[port]) for first, last, (_, port, *_), *_ in ask(asked, "CLUSTER", "SLOTS")]

    def _form(self) -> None:
        first = self.nodes[0]
        for node in self.nodes[1:]:
            ask(node, "CLUSTER", "MEET", LOOPBACK, first.port, first.bus_port)
        share = SLOTS // len(self.primaries) + 1
        for i, node in enumerate(self.primaries):
            ask(node, "CLUSTER", "ADDSLOTSRANGE", i * share, min((i + 1) * share, SLOTS) - 1)
        wait_for(self._all_know_all, "all servers have met")
        for primary, replica in zip(self.primaries, self.replicas, strict=False):
            ask(replica, "CLUSTER", "REPLICATE", primary.name)
        wait_for(self._is_whole, "the cluster is whole")

    def _all_know_all(self) -> bool:
        known = f"cluster_known_nodes:{len(self.nodes)}\r".encode()
        slots = b"cluster_slots_assigned:16384\r"
        infos = [ask(node, "CLUSTER", "INFO") for node in self.nodes]
        return all(known in info and slots in info for info in infos)

    def _is_whole(self) -> bool:
        """Whether every server agrees who owns what, and every replica follows."""
        views = [[[*slots[:2], slots[2][1]] for slots in ask(node, "CLUSTER", "SLOTS")] for node in self.nodes]
        well = all(b"cluster_state:ok" in ask(node, "CLUSTER", "INFO") for node in self.nodes)
        states = [ask(node, "INFO", "replication") for node in self.nodes]
        followers = sum(b"master_link_status:up" in state for state in states)
        return well and all(view == views[0] for view in views) and followers == len(self.replicas)


def is_alive(node: Valkey) -> bool:
    return node._process is not None


def ask(server: Valkey, *words: str | int) -> Any:
    """Send one command on a connection of its own. Raises: hiredis.ReplyError, OSError."""
    command: Any = words
    reader = hiredis.Reader()
    with socket.create_connection((LOOPBACK, server.port), timeout=5) as connection:
        connection.sendall(hiredis.pack_command(command))
        while (reply := reader.gets()) is False:
            if not (read := connection.recv(65536)):
                raise ConnectionResetError(f"{words[0]} was cut off")
            reader.feed(read)
    if isinstance(reply, hiredis.ReplyError):
        raise reply
    return reply


@contextmanager
def frozen(server: Valkey) -> Iterator[None]:
    """Let a server stop in the middle of whatever it does, with its connections open."""
    assert server._process
    process = psutil.Process(server._process.pid)
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until `condition` holds. Raises: TimeoutError."""
    deadline = time.monotonic() + SETTLE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {SETTLE_S:.0f} s in vain until {what}")
        time.sleep(0.02)
