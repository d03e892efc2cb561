"""Which tests run beside each other, with `pytest -n 2`: those of different files."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

DEPLOYMENTS = "tests/acceptance/"


class ByFile(LoadScopeScheduling):
    """Rows of tests, each in one process. They begin as they were collected: that of whole deployments, long, first."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return row(nodeid)


def row(nodeid: str) -> str:
    """The row of a test: its file, whose tests share servers, or that of all whole deployments.

    Those are struck under load, and must be well again soon: two of them at once would wait for each other.
    """
    return DEPLOYMENTS if nodeid.startswith(DEPLOYMENTS) else nodeid.partition("::")[0]
