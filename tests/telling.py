"""What tests measured, told by the process that has the terminal when they ran in another one."""

from collections.abc import Iterator

import pytest

TOLD = "told"
"""The name of the property of a test that holds a line."""


def told(terminal: pytest.TerminalReporter) -> Iterator[str]:
    """The lines that tests left for the end."""
    for report in (*terminal.getreports("passed"), *terminal.getreports("failed")):
        for name, line in report.user_properties:
            if name == TOLD:
                yield f"{report.nodeid.rpartition('::')[2]}: {line}"
