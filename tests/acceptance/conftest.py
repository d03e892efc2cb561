"""What a test measured is told in the terminal, whether it passes or not."""

import sys
from collections.abc import Callable

import pytest

type Tell = Callable[[str], None]


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Tell:
    """Write a line where everybody sees it."""

    def write(line: str) -> None:
        with capfd.disabled():
            sys.stdout.write(f"\n  {line}")

    return write
