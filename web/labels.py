"""Names for fresh rooms: two plain words and a number, easy to say aloud."""

import secrets

# fmt: off
QUALITIES = [
    "amber", "bright", "brisk", "calm", "candid", "clear", "copper", "cosy", "crisp", "early", "easy", "evening",
    "fair", "fresh", "gentle", "glad", "golden", "green", "hazel", "honest", "idle", "indigo", "ivory", "kind",
    "late", "lively", "lucid", "mellow", "merry", "mild", "morning", "narrow", "north", "olive", "open", "paper",
    "patient", "plain", "quiet", "rainy", "rapid", "round", "ruby", "sandy", "silver", "slow", "small", "snowy",
    "soft", "steady", "still", "sunny", "tall", "tidy", "vivid", "warm", "wide", "wild",
]
PLACES = [
    "alcove", "arbour", "attic", "balcony", "bay", "bench", "bridge", "cabin", "canal", "cedar", "cellar", "cloister",
    "corner", "cove", "dale", "deck", "dune", "fern", "ferry", "field", "forge", "garden", "gate", "grove", "hall",
    "harbour", "heath", "hill", "inlet", "island", "kiln", "lagoon", "lane", "lantern", "library", "loft", "marsh",
    "meadow", "mill", "orchard", "path", "pier", "pond", "porch", "quay", "reef", "ridge", "river", "roof", "shore",
    "square", "stable", "studio", "terrace", "tower", "valley", "wharf", "wood",
]
# fmt: on


def fresh_label() -> str:
    """A label that nobody has chosen before, as far as chance goes: one of some 30 million."""
    return f"{secrets.choice(QUALITIES)}-{secrets.choice(PLACES)}-{secrets.randbelow(9000) + 1000}"
