"""Judging by signed heads: which of two rows of leaves, those of the events or those that were kept, is as signed."""

from collections.abc import Sequence
from typing import NamedTuple

from commands.treehead import SignedHead
from projections.meeting import Row

MAX_UNMATCHED = 1000


class Unmatched(NamedTuple):
    """A head that fits neither row, and the largest size until which everything was as signed."""

    head: SignedHead
    before: int


class Judgement:
    """Both rows grow together, and are one for as long as they are the same.

    `stored_upto` and `kept_upto` are the sizes until which they are as signed: a head that agrees at one size vouches
    for every leaf before it.
    """

    def __init__(self) -> None:
        self.stored_upto = 0
        self.kept_upto = 0
        self.heads = 0
        self.unmatched: list[Unmatched] = []
        self.tree_is_denied = False
        self._stored = Row()
        self._kept: Row | None = self._stored
        self._halves: dict[SignedHead, bool] = {}

    @property
    def upto(self) -> int:
        return max(self.stored_upto, self.kept_upto)

    @property
    def stored_size(self) -> int:
        return self._stored.size

    def reach(self, stored: Sequence[bytes], kept: Sequence[bytes] | None) -> int:
        """The size that the larger row has when it has taken these."""
        return max(self._stored.size + len(stored), (self._kept.size if self._kept else 0) + len(kept or ()))

    def expect(self, head: SignedHead) -> None:
        """A head whose signature is good. It comes before the leaves with which it is reached."""
        self.heads += 1
        self._stored.expect(head)
        if self._kept is None:
            self._halves[head] = False
        elif self._kept is not self._stored:
            self._kept.expect(head)

    def take(self, stored: Sequence[bytes], kept: Sequence[bytes] | None) -> None:
        """The next leaves of the events, and those that were kept; None if these were lost, and all that follows."""
        if self._kept is self._stored and stored != kept:
            self._kept = self._stored.fork()
        if self._kept is self._stored:
            for head, agrees in self._stored.feed(stored):
                self._settle(head, stored=agrees, kept=agrees)
            return
        if kept is None:
            self._lose()
        for head, agrees in self._stored.feed(stored):
            self._note_stored(head, agrees=agrees)
        for head, agrees in self._kept.feed(kept or ()) if self._kept else ():
            self._note_kept(head, agrees=agrees)

    def end(self) -> None:
        """No more leaves come."""
        if self._kept is self._stored:
            self._kept = self._stored.fork()
        self._lose()
        for head, agrees in self._stored.rest():
            self._note_stored(head, agrees=agrees)

    def _lose(self) -> None:
        for head, agrees in self._kept.rest() if self._kept else ():
            self._note_kept(head, agrees=agrees)
        self._kept = None

    def _note_stored(self, head: SignedHead, *, agrees: bool) -> None:
        if head in self._halves:
            self._settle(head, stored=agrees, kept=self._halves.pop(head))
        else:
            self._halves[head] = agrees

    def _note_kept(self, head: SignedHead, *, agrees: bool) -> None:
        if head in self._halves:
            self._settle(head, stored=self._halves.pop(head), kept=agrees)
        else:
            self._halves[head] = agrees

    def _settle(self, head: SignedHead, *, stored: bool, kept: bool) -> None:
        size = head.head.tree_size
        if not stored and not kept and len(self.unmatched) < MAX_UNMATCHED:
            self.unmatched.append(Unmatched(head, self.upto))
        self.stored_upto = max(self.stored_upto, size * stored)
        self.kept_upto = max(self.kept_upto, size * kept)
        self.tree_is_denied |= stored and not kept
