"""A page of history: items as ready JSON, joined and never encoded again."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec


class Moment(NamedTuple):
    """The seq as of which a page of the past is, and what the room was called then."""

    as_of: int
    title: str
    topic: str


class Page(NamedTuple):
    """Items ascending by seq, each as JSON; the head and the position that the read model had reached with them.

    `moment` is set in a page of the past.
    """

    items: Sequence[bytes]
    found_oldest: bool
    found_newest: bool
    head_seq: int
    position: int
    moment: Moment | None = None

    def json(self) -> bytes:
        """The page as REST sends it."""
        then = b"," + msgspec.json.encode(self.moment._asdict())[1:-1] if self.moment else b""
        return (
            b'{"items":[%s],"found_oldest":%s,"found_newest":%s,"head_seq":%d,"position":%d%s}' % (
                b",".join(self.items), _BOOL[self.found_oldest], _BOOL[self.found_newest], self.head_seq, self.position,
                then,
            )
        )  # fmt: skip


_BOOL = {True: b"true", False: b"false"}

type Line = tuple[int, bytes]
"""The seq of an item, and the item."""


def cut(older: Sequence[Line], newer: Sequence[Line], limit: int) -> tuple[list[Line], bool, bool]:
    """At most `limit` lines around the seam of two lists, half from each, filled up from one where the other ends.

    Both lists rise; `older` ends with the line that is the centre. Answers the lines, and whether nothing older and
    nothing newer was left out.
    """
    from_older = min(len(older), max(limit // 2 + 1, limit - len(newer)), limit)
    from_newer = min(len(newer), limit - from_older)
    lines = [*older[len(older) - from_older :], *newer[:from_newer]]
    return lines, from_older == len(older), from_newer == len(newer)
