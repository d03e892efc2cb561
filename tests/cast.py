"""The one small world of the tests: ada, who owns #general, grace and linus, and #garden beside it."""

import secrets
import time

ADA = "guest:ada"
GRACE = "guest:grace"
LINUS = "guest:linus"

GENERAL = "general"
GARDEN = "garden"

NOON = 1_795_348_800_000
"""2026-11-22T12:00:00Z, in Unix milliseconds."""


def mint() -> str:
    """A fresh UUIDv7, as clients name what they send."""
    random = secrets.token_hex(10)
    return f"{time.time_ns() // 1_000_000:012x}7{random[:3]}8{random[3:18]}"
