"""What the doctor says of each thing that may be wrong (whole deployments: tests/acceptance/test_operating.py)."""

from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from config.checkups import postgres as of_postgres
from config.checkups import redis as of_redis
from config.checkups import sqlite as of_sqlite
from config.checkups import surroundings
from config.checkups.findings import Findings
from tests.servers import Postgres, Valkey, free_port


def found(findings: Findings) -> dict[str, tuple[str, str]]:
    return {about: (level, says) for level, about, says in findings}


def test_a_database_without_tables_is_told_to_be_migrated(tmp_path: Path) -> None:
    level, says = found(of_sqlite.check(tmp_path / "verbatim.sqlite3"))["read tables"]
    assert level == "problem"
    assert "manage.py migrate" in says
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_away_is_a_problem(settings: Settings) -> None:
    settings.DATABASE_URL = f"postgres://verbatim@127.0.0.1:{free_port()}/verbatim"
    level, says = found(of_postgres.check())["PostgreSQL"]
    assert level == "problem"
    assert "refused" in says


def test_a_database_that_would_lose_messages_is_a_problem(postgres: Postgres) -> None:
    url = postgres.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        assert of_postgres._durability(connection).level == "ok"
        connection.execute("SET synchronous_commit = off")
        finding = of_postgres._durability(connection)
        assert finding.level == "problem"
        assert "synchronous_commit off" in finding.says


def test_a_database_of_another_encoding_is_a_problem(postgres: Postgres, settings: Settings) -> None:
    postgres.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with psycopg.connect(postgres.url("latin"), autocommit=True) as connection:
        findings = {each.about: each for each in of_postgres._look(connection, lambda _: iter(()))}
    assert findings["encoding"].level == "problem"
    assert findings["event store"].level == "warning"
    assert findings["clocks"].level == "ok"
    assert {"shared_buffers", "max_wal_size", "min_wal_size", "checkpoint_timeout"} <= findings.keys()


def test_redis_is_asked_for_its_version(valkey: Valkey, settings: Settings) -> None:
    settings.REDIS_URL = valkey.url
    ((level, says),) = found(of_redis.check()).values()
    assert level == "ok"
    assert says.startswith("valkey ")
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}"
    ((level, says),) = found(of_redis.check()).values()
    assert level == "problem"
    settings.REDIS_URL = "http://127.0.0.1"
    assert found(of_redis.check())["REDIS_URL"][0] == "problem"
    assert of_redis._version("redis", "redis_version:6.2.14\r\n").level == "problem"


def test_settings_that_open_the_door_are_problems(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.SECRET_KEY, settings.ALLOWED_HOSTS, settings.DEBUG = "changeme", ["*"], True
    settings.LIMITS_ON, settings.BUS_FAULT, settings.METRICS_HOST = False, "drop", "0.0.0.0"  # noqa: S104
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    findings = found(surroundings.check())
    assert {about for about, (level, _) in findings.items() if level == "problem"} == {
        "SECRET_KEY", "ALLOWED_HOSTS", "DEBUG", "BUS_FAULT",
    }  # fmt: skip
    assert {"LIMITS", "METRICS_HOST", "FORWARDED_ALLOW_IPS"} <= {
        about for about, (level, _) in findings.items() if level == "warning"
    }


@pytest.mark.parametrize(
    ("url", "direct", "level"),
    [
        ("postgres://verbatim@db.example/verbatim", None, "ok"),
        ("postgres://verbatim@db.example:6432/verbatim", None, "problem"),
        ("postgres://verbatim@ep-1-pooler.example/verbatim", None, "problem"),
        ("postgres://verbatim@db.example/verbatim?pgbouncer=true", None, "problem"),
        ("postgres://verbatim@db.example:6432/verbatim", "postgres://verbatim@db.example/verbatim", "ok"),
    ],
)
def test_a_pooler_needs_a_way_past_it(url: str, direct: str | None, level: str) -> None:
    assert surroundings._pooler(url, direct).level == level


def test_a_file_that_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "verbatim.events.sqlite3").write_bytes(b"not a database " * 1000)
    assert of_sqlite._durability(tmp_path / "verbatim.events.sqlite3").level == "problem"


def test_secrets_that_others_can_read_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "master_key").write_text("key")
    (tmp_path / "master_key").chmod(0o644)
    assert of_sqlite._privacy(tmp_path).level == "problem"
    (tmp_path / "master_key").chmod(0o600)
    assert of_sqlite._privacy(tmp_path).level == "ok"
