"""What a test measured is told in the terminal, whether it passes or not."""

import sys
from collections.abc import Callable

import pytest

from tests.telling import TOLD

type Tell = Callable[[str], None]


@pytest.fixture
def tell(
    request: pytest.FixtureRequest,
    capfd: pytest.CaptureFixture[str],
    record_property: Callable[[str, object], None],
) -> Tell:
    """Write a line where everybody sees it: at once, or in the end if the terminal is another process's."""

    def write(line: str) -> None:
        if hasattr(request.config, "workerinput"):
            record_property(TOLD, line)
            return
        with capfd.disabled():
            sys.stdout.write(f"\n  {line}")

    return write
