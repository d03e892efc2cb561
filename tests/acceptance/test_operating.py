"""What an operator sees: `manage.py doctor`, and whether the server is ready, while a deployment is well and is not."""

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.acceptance.deployment import ROOT, Process, Projector, Web, environment, migrated_database
from tests.servers import Postgres

RED_S = 10.0
GOOD = {
    "ALLOWED_HOSTS": "chat.example",
    "LIMITS": "on",
    "SECRET_KEY": "an unguessable secret of the doctor's tests",
}
OTHER_KEY = base64.b64encode(bytes(32)).decode()

pytestmark = pytest.mark.timeout(240)


class Operator:
    """Looks at a deployment: the process that serves, and the one that projects (on SQLite the same)."""

    def __init__(self, web: Web, projecting: Process) -> None:
        self.web = web
        self.projecting = projecting
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{web.port}", timeout=30)

    def say_something(self) -> None:
        """Post, and wait until it can be read."""
        token = self.http.post("/api/v1/guests", json={}).json()["token"]
        posted = self.http.post(
            "/api/v1/rooms/general/messages", json={"message": "hi"}, headers={"Authorization": f"Bearer {token}"}
        )
        assert posted.status_code == 201, posted.text
        read = {"min_position": posted.json()["position"]}
        assert any(self.http.get("/api/v1/rooms/general", params=read).status_code == 200 for _ in range(30))

    def readiness(self) -> tuple[int, list[str]]:
        answer = self.http.get("/health/ready")
        return answer.status_code, answer.json()["reasons"]

    def await_readiness(self, status: int, within_s: float) -> float:
        """Wait until the server is ready, or is not; answers how many seconds it took."""
        began = time.monotonic()
        while self.readiness()[0] != status:
            assert time.monotonic() - began < within_s, self.readiness()
            time.sleep(0.05)
        return time.monotonic() - began

    def ask_doctor(self, **variables: str) -> tuple[int, dict[str, str]]:
        """The exit code, and what is said about each thing that is not well."""
        told = subprocess.run(
            [sys.executable, "manage.py", "doctor"],
            cwd=ROOT,
            env=environment(self.web.database_url, **GOOD | variables),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in told.stderr, told.stderr
        return told.returncode, dict(line[9:].split(": ", 1) for line in told.stdout.splitlines() if line[0] in "wp")


@pytest.fixture(params=["sqlite", "postgres"])
def operator(request: pytest.FixtureRequest) -> Iterator[Operator]:
    """Of a deployment in which somebody said something."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            web = stack.enter_context(Web())
            operator = Operator(web, web)
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            web = stack.enter_context(Web(migrated_database(postgres)))
            operator = Operator(web, stack.enter_context(Projector(web.database_url)))
        with operator.http:
            operator.say_something()
            yield operator


def test_an_operator_is_told_that_all_is_well_and_what_is_not(operator: Operator) -> None:
    operator.await_readiness(200, within_s=RED_S)
    code, ills = operator.ask_doctor()
    assert code == 0, ills
    settings = {"shared_buffers", "max_wal_size", "min_wal_size", "checkpoint_timeout"}
    assert ills.keys() <= {"REDIS_URL", "open files"} | settings
    operator.projecting.kill()
    if operator.projecting is not operator.web:
        operator.await_readiness(503, within_s=RED_S)
        assert operator.readiness() == (
            503,
            ["projection directory: nobody runs it", "projection history: nobody runs it"],
        )
        assert operator.http.get("/health/live").status_code == 200
    code, ills = operator.ask_doctor(MASTER_KEY=OTHER_KEY, READY_HEARTBEAT_S="0.001")
    assert code == 1
    assert "not the one" in ills["MASTER_KEY"]
    for name in ("projection history", "projection directory"):
        assert ills[name].startswith("nobody has run it")
    if operator.projecting is not operator.web:
        operator.projecting.start()
        operator.await_readiness(200, within_s=60)
