"""What a checkup finds: one line for each thing it looked at."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

type Findings = Iterator[Finding]


class Finding(NamedTuple):
    """How something is (`ok`, or a `warning` or `problem` that says what to mend)."""

    level: Literal["ok", "warning", "problem"]
    about: str
    says: str

    def __str__(self) -> str:
        return f"{self.level:<8} {self.about}: {self.says}"


def ok(about: str, says: str) -> Finding:
    """As it should be."""
    return Finding("ok", about, says)


def warning(about: str, says: str) -> Finding:
    """It works, and could be better."""
    return Finding("warning", about, says)


def problem(about: str, says: str) -> Finding:
    """It does not work, or will lose or show what it must not."""
    return Finding("problem", about, says)
