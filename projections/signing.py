"""Signing tree heads: the leader of the projections signs what the tree has become, now and then. Synchronous."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from commands.clock import now_ms
from commands.merkle import consistency_ranges, grew
from commands.treehead import Head, SignedHead, SigningKey
from projections import checkpoints, proof
from projections.rows import Row, Table, upsert
from projections.tiles import TreeDamaged, hashes, needed

HEADS = Table(
    "tree_head",
    {
        "tree_size": "bigint",
        "position": "bigint",
        "root_hash": "bytea",
        "signed_at": "bigint",
        "signature": "bytea",
        "public_key": "bytea",
    },
)
_LAST = f"SELECT {', '.join(HEADS.columns)} FROM tree_head ORDER BY tree_size DESC LIMIT 1"  # noqa: S608

log = logging.getLogger(__name__)


class Signer:
    """Signs a head when the tree has grown and the last head is `every_s` old, and only what continues that one."""

    def __init__(self, key: SigningKey, every_s: float) -> None:
        self._key = key
        self._every_s = every_s
        self._look_at = 0.0
        self._seen = 0
        self._is_alarmed = False

    def is_due(self, position: int) -> bool:
        """Whether there may be something to sign when the projection has come to this position. Asks no database."""
        return position != self._seen and time.monotonic() >= self._look_at

    def sign(self, position: int) -> None:
        """Sign the tree as it is at the projection's checkpoint, if it is time to.

        Only the leader can: its checkpoint and the head are of one transaction.
        Raises: LostLead, and the database's errors.
        """
        try:
            with transaction.atomic():
                checkpoints.move(proof.Proof.name, position, position)
                wait_s = self._sign(last())
        except TreeDamaged as error:
            self._raise_alarm(str(error))
            wait_s = self._every_s
        self._seen = 0 if wait_s else position
        self._look_at = time.monotonic() + (wait_s or self._every_s)

    def _sign(self, before: SignedHead | None) -> float:
        """Answers after how many seconds to look again, 0 if all is signed. Raises: TreeDamaged."""
        size, position = proof.reached()
        if size <= (before.head.tree_size if before else 0):
            return 0
        if before and (wait_s := self._every_s - abs(now_ms() - before.head.signed_at) / 1000) > 0:
            return wait_s
        root = _continued(before.head if before else None, size)
        upsert(HEADS, [row(self._key.sign(Head(size, position, root, now_ms())))])
        self._is_alarmed = False
        return 0

    def _raise_alarm(self, reason: str) -> None:
        if not self._is_alarmed:
            log.error("no tree head is signed any more: %s. `manage.py verify` tells what happened.", reason)
        self._is_alarmed = True


def last() -> SignedHead | None:
    """The head over the largest tree that was signed."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        found = cursor.fetchone()
    return signed(found) if found else None


def signed(found: Sequence[Any]) -> SignedHead:
    """A head from its row."""
    size, position, root, signed_at, signature, key = found
    return SignedHead(Head(size, position, bytes(root), signed_at), bytes(signature), bytes(key))


def row(head: SignedHead) -> Row:
    """The row of a head."""
    return *head.head, head.signature, head.public_key


def _continued(before: Head | None, size: int) -> bytes:
    """The root of the tree of this size, which continues the one before. Raises: TreeDamaged if it does not."""
    if before is None:
        return _hashes([range(size)])[0]
    first, root, *path = _hashes([range(before.tree_size), range(size), *consistency_ranges(before.tree_size, size)])
    if first != before.root_hash or not grew(before.tree_size, size, before.root_hash, root, path):
        raise TreeDamaged(f"the tree does not continue the one of {before.tree_size} events that was signed last")
    return root


def _hashes(ranges: Sequence[range]) -> list[bytes]:
    """Raises: TreeDamaged."""
    tiles = {key: found.hashes for key in needed(ranges) if (found := proof.tile(*key))}
    return hashes(ranges, tiles)
