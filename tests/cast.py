"""The one small world of the tests: ada, who owns #general, grace and linus, and #garden beside it."""

ADA = "guest:ada"
GRACE = "guest:grace"
LINUS = "guest:linus"

GENERAL = "general"
GARDEN = "garden"

NOON = 1_795_348_800_000
"""2026-11-22T12:00:00Z, in Unix milliseconds."""
