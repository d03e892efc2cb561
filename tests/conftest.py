"""What every test starts from: settings of its own in a temporary folder, and nothing left behind."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer

from tests.scheduling import ByFile
from tests.servers import Postgres, Valkey
from tests.telling import told

SCRATCH = Path(tempfile.mkdtemp(prefix="verbatim-tests-"))
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROMIUMS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)

for name in (
    "REDIS_URL",
    "DIRECT_DATABASE_URL",
    "SECRET_KEY",
    "MASTER_KEY",
    "DEBUG",
    "LIMITS",
    "GUESTS",
    "PORT",
    "BUS_FAULT",
):
    os.environ.pop(name, None)
os.environ["DATABASE_URL"] = f"sqlite:///{SCRATCH}/verbatim.sqlite3"
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"


def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None:
        config.option.basetemp = SCRATCH / "tests"


def pytest_unconfigure() -> None:
    shutil.rmtree(SCRATCH, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """With several processes, let each have settings, and with them files, of its own."""
    if session.config.pluginmanager.hasplugin("dsession"):
        del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "load" else None


def find_chromium() -> str | None:
    """The program of an installed Chromium."""
    installed = (shutil.which(name) for name in CHROMIUMS)
    return next((found for found in (*installed, *MAC_CHROMIUMS) if found and Path(found).exists()), None)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium; without one the test is skipped, never in CI."""
    found = find_chromium()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium is installed, and CI never skips the browser tests")
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole run; a test makes a database of its own in it."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """One Valkey for the whole run."""
    with Valkey() as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in told(terminalreporter):
        terminalreporter.write_line(line)
    skipped = [report for report in terminalreporter.getreports("skipped") if "no Chromium" in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"!!! {len(skipped)} browser tests SKIPPED: no Chromium is installed", red=True)
