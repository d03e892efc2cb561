"""The environment: what it may say, and that every part of a process understands the same."""

import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper

from config import environment

KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/verbatim.sqlite3", "base/var/verbatim.sqlite3"),
        ("sqlite:///my%20chat.sqlite3", "base/my chat.sqlite3"),
        ("sqlite:///{root}/else/where.sqlite3", "else/where.sqlite3"),
        ("sqlite:///{root}/my%20chat%231/a%2520b.sqlite3", "my chat#1/a%20b.sqlite3"),
    ],
)
def test_a_sqlite_url_names_a_file_below_the_project_or_from_the_root(tmp_path: Path, url: str, path: str) -> None:
    entry = environment.database(url.format(root=tmp_path), tmp_path / "base")
    assert entry["NAME"] == str(tmp_path / path)
    assert stat.S_IMODE((tmp_path / path).parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite",
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite:///.",
        "sqlite://:memory:",
        "sqlite://var/verbatim.sqlite3",
        "sqlite:var/verbatim.sqlite3",
        "sqlite:///a.sqlite3?mode=ro",
        "sqlite:////proc/no/such/folder",
        "mysql://localhost/verbatim",
        "postgres://localhost/verbatim?sslmod=require",
        "postgres://[::1/verbatim",
    ],
)
def test_a_url_that_cannot_be_meant_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        environment.database(url, tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://ada:p%40ss%2Fword@db.example:5433/chat%20room",
        "postgresql:///verbatim?host=/run/postgresql&port=5433",
        "postgres://ada@db.example/verbatim?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=7",
        "postgres://db1.example:5432,db2.example:5433/verbatim?target_session_attrs=read-write",
        "postgres://ada@[::1]:5433/verbatim?options=-c%20search_path%3Dchat",
    ],
)
def test_django_understands_a_postgres_url_as_the_store_does(tmp_path: Path, url: str) -> None:
    entry: dict[str, Any] = {"TIME_ZONE": None, **environment.database(url, tmp_path)}
    meant = psycopg.conninfo.conninfo_to_dict(url)
    parameters = DatabaseWrapper(entry).get_connection_params()
    assert {name: str(parameters[name]) for name in meant} == meant


def test_a_list_may_have_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " chat.example , localhost,, ")
    assert environment.names("ALLOWED_HOSTS", default="") == ["chat.example", "localhost"]


def test_a_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_KEY", raising=False)
    var = tmp_path / "var"
    made = environment.secret("MASTER_KEY", var, required=False)
    assert environment.secret("MASTER_KEY", var, required=False) == made
    assert len(environment.master_key(made)) == 32
    assert [stat.S_IMODE(path.stat().st_mode) for path in (var, *var.iterdir())] == [0o700, 0o600]


def test_of_several_processes_that_make_a_secret_at_once_all_have_the_same(tmp_path: Path) -> None:
    making = (
        "from pathlib import Path; from config import environment; import sys; "
        "print(environment.secret('SECRET_KEY', Path(sys.argv[1]), required=False))"
    )
    command = [sys.executable, "-c", making, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({process.communicate(timeout=30)[0] for process in processes}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_secrets_are_required_beside_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_KEY", raising=False)
    with pytest.raises(ImproperlyConfigured, match="MASTER_KEY"):
        environment.secret("MASTER_KEY", tmp_path, required=True)
    monkeypatch.setenv("MASTER_KEY", KEY)
    assert environment.master_key(environment.secret("MASTER_KEY", tmp_path, required=True)) == bytes(range(32))


@pytest.mark.parametrize("key", ["", "x", KEY[:-4], KEY + "AAAA", "é" * 44, " " + KEY])
def test_a_master_key_is_32_bytes_in_base64(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="MASTER_KEY"):
        environment.master_key(key)


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "soon"])
def test_a_time_must_be_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("READY_LAG_S", value)
    with pytest.raises(ImproperlyConfigured, match="READY_LAG_S"):
        environment.seconds("READY_LAG_S", default=10)


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1000001"])
def test_a_count_must_be_a_whole_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("MAX_SOCKETS", value)
    with pytest.raises(ImproperlyConfigured, match="MAX_SOCKETS"):
        environment.count("MAX_SOCKETS", default=20_000)


def test_the_log_is_for_programs_unless_a_person_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    assert environment.log_format() == "json"
    monkeypatch.setenv("DEBUG", "on")
    assert environment.log_format() == "text"
    monkeypatch.setenv("LOG_FORMAT", "json")
    assert environment.log_format() == "json"
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT"):
        environment.log_format()
