"""Tree heads: whether they are signed, how recently, and with which key."""

from django.conf import settings

from commands.clock import now_ms, rfc3339
from commands.treehead import key_as_text
from config.checkups.findings import Finding, Findings, ok, problem, warning
from projections import proof, signing

LATE_S = 60.0
"""A head that is so much older than it should be is not just late."""


def check() -> Findings:
    """Read the tree's size and its last head. Raises: django.db.DatabaseError."""
    yield ok("SIGNING_KEY", f"tree heads are signed by the public key {key_as_text(settings.SIGNING_KEY.public_key)}")
    yield _heads()


def _heads() -> Finding:
    last, (size, _) = signing.last(), proof.reached()
    if last is None:
        if size == 0:
            return ok("tree heads", "nothing to sign yet")
        return warning("tree heads", "none was signed yet: one follows within seconds while the projections run")
    signed = f"{last.head.tree_size:,} events were signed at {rfc3339(last.head.signed_at)}"
    if last.public_key != settings.SIGNING_KEY.public_key:
        return warning("tree heads", f"{signed} by another key, {key_as_text(last.public_key)}: keep it to verify them")
    silent_s = (now_ms() - last.head.signed_at) / 1000
    if size > last.head.tree_size and silent_s > settings.TREE_HEAD_EVERY_S + LATE_S:
        return problem("tree heads", f"{signed}, of {size:,}: the log says why no more is, and `manage.py verify`")
    return ok("tree heads", signed)
