"""The highest rate that a server holds: doubled until it does not, then narrowed down."""

from collections.abc import Callable

from bench.shapes.meter import Figures

FIRST_RATE = 64.0
NEAR_ENOUGH = 1.12
STEPS = 12
LATEST_MS = 1000.0
CATCH_UP = 0.1
"""At the end of a step, so much of its time may be needed until everything has come."""


def find_highest(step: Callable[[float], Figures], seconds: float) -> Figures:
    """The figures of the highest rate (messages a second) that was held in a step of so many seconds.

    Raises: RuntimeError if there is none.
    """
    held: Figures = {}
    rate, failed = FIRST_RATE, 0.0
    for _ in range(STEPS):
        figures = step(rate)
        if is_held(figures, seconds):
            held = {**figures, "messages": rate}
        else:
            failed = rate
        if held and failed and failed / held["messages"] < NEAR_ENOUGH:
            break
        rate = (held["messages"] * failed) ** 0.5 if held and failed else rate * 2 if held else rate / 2
    if not held:
        raise RuntimeError("not a single rate was held")
    return held


def is_held(figures: Figures, seconds: float) -> bool:
    """Whether all came to everybody, in time, without a backlog at the end."""
    in_time = figures["p99_ms"] <= LATEST_MS and figures["took_s"] <= seconds * (1 + CATCH_UP)
    return in_time and not any(figures[fault] for fault in ("hopeless", "missing", "misplaced", "gone", "refused"))
