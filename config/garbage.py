"""Collecting garbage seldom, in commands through which events come and go by the thousand."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

AT = 100_000


@contextmanager
def collected_seldom() -> Iterator[None]:
    """Events make no circles: looking for those would take an eighth of the time."""
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(AT)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
