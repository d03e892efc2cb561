"""Ports that nobody takes while a test needs them.

A port that the system has given away and got back may be given to the next connection of anybody before a server
listens on it, and again whenever that server is down. So these ports are from below those that systems give (from 32768
on Linux, from 49152 elsewhere), and each process of tests has a block of them to itself as long as it lives.
"""

import socket
from collections.abc import Iterator

FIRST = 20_000
BLOCK = 500
BLOCKS = 25


class Ports:
    """One block of an address, claimed when the first port is asked for."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._claim: socket.socket | None = None
        self._next = 0

    def take(self, many: int = 1) -> int:
        """A port that nobody listens on, and that was not taken for long: the first of so many in a row.

        Raises: RuntimeError when there is none.
        """
        for first in self._candidates(many):
            if all(map(self._is_free, range(first, first + many))):
                self._next = first + many
                return first
        raise RuntimeError(f"no {many} free ports in a row in {FIRST} … {FIRST + BLOCK * BLOCKS - 1}")

    def release(self) -> None:
        """Let another process have the block."""
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _candidates(self, many: int) -> Iterator[int]:
        """Where to look: from behind what was taken last to the end of the block, then from its beginning."""
        if self._claim is None:
            self._claim = self._claim_block()
            self._next = self._begin
        begin, end = self._begin, self._begin + BLOCK - many
        yield from range(self._next, end)
        yield from range(begin, min(self._next, end))

    @property
    def _begin(self) -> int:
        """The first port of the block that is given away: the one before it is the claim's."""
        assert self._claim
        port: int = self._claim.getsockname()[1]
        return port + 1

    def _claim_block(self) -> socket.socket:
        """Keep the first port of a block that no other process has claimed. Raises: RuntimeError when there is none."""
        for first in range(FIRST, FIRST + BLOCK * BLOCKS, BLOCK):
            claim = socket.socket()
            try:
                claim.bind((self._host, first))
            except OSError:
                claim.close()
                continue
            return claim
        raise RuntimeError(f"all {BLOCKS} blocks of ports from {FIRST} on are claimed")

    def _is_free(self, port: int) -> bool:
        with socket.socket() as probe:
            try:
                probe.bind((self._host, port))
            except OSError:
                return False
        return True
