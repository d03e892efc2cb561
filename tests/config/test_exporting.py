"""`manage.py export`, `import` and `verify`: from one server by a file to another, and to an auditor."""

import asyncio
import base64
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from pytest_django import Settings

from commands.treehead import Head, SigningKey, members
from config import starting
from tests.cast import GENERAL
from tests.config.test_replaying import _talk

django.setup()

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "archive" / "fixtures"
KEY = base64.b64encode(django_settings.SIGNING_KEY.public_key).decode()


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Django's tables, with nothing in them."""
    path = tmp_path_factory.mktemp("tables") / "verbatim.sqlite3"
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, "DATABASE_URL": f"sqlite:///{path}"}, check=True)
    return path


def move_to(folder: Path, settings: Settings, tables: Path) -> None:
    """Make an empty deployment in a folder the one that commands work on."""
    folder.mkdir()
    shutil.copy(tables, folder)
    settings.ON_SQLITE = True
    settings.DATABASES["default"]["NAME"] = str(folder / "verbatim.sqlite3")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, settings: Settings, tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server with a past. Django itself is connected to another database, which no command here reads."""
    monkeypatch.setattr(starting, "check_database", lambda *, wait_s: None)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", "")  # and back to what it was, in the end
    move_to(tmp_path / "here", settings, tables)
    asyncio.run(_talk())


def export(*options: str, to: Path) -> list[str]:
    """What is written to a file, by line."""
    call_command("export", *options, "--output", str(to), stderr=io.StringIO())
    return to.read_text().splitlines()


def test_what_one_server_exports_another_one_has(tmp_path: Path, settings: Settings, tables: Path) -> None:
    file = tmp_path / "all.ndjson"
    assert len(export("--all", to=file)) == 8
    assert file.stat().st_mode & 0o777 == 0o600
    before = export("--all", "--content", to=tmp_path / "before")
    move_to(tmp_path / "there", settings, tables)
    out = io.StringIO()
    call_command("import", str(file), stdout=out)
    assert out.getvalue().startswith("6 events are back")
    assert export("--all", "--content", to=tmp_path / "after") == before
    assert export(GENERAL, "--content", to=tmp_path / "room") == before
    with pytest.raises(CommandError, match="something in this server"):
        call_command("import", str(file))


def test_a_server_with_a_past_imports_nothing(tmp_path: Path) -> None:
    export("--all", to=tmp_path / "all.ndjson")
    with pytest.raises(CommandError, match="something in this server"):
        call_command("import", str(tmp_path / "all.ndjson"))


@pytest.mark.parametrize(
    ("name", "form", "events"), [("slack", "slack", 19), ("matrix.json", "matrix", 15), ("guide.csv", "guide", 6)]
)
def test_other_chats_are_imported(
    tmp_path: Path, settings: Settings, tables: Path, name: str, form: str, events: int
) -> None:
    move_to(tmp_path / "there", settings, tables)
    out, err = io.StringIO(), io.StringIO()
    call_command("import", str(FIXTURES / name), "--format", form, stdout=out, stderr=err)
    assert out.getvalue().startswith(f"{events} events are back")
    assert "Left out: 1 × " in err.getvalue()


def test_a_damaged_file_imports_nothing_and_says_where(tmp_path: Path, settings: Settings, tables: Path) -> None:
    lines = export(GENERAL, to=tmp_path / "room.ndjson")
    (tmp_path / "room.ndjson").write_text("\n".join([*lines[:3], *lines[4:], ""]))
    move_to(tmp_path / "there", settings, tables)
    with pytest.raises(CommandError, match="Nothing was imported: line 4: general/3 is missing"):
        call_command("import", str(tmp_path / "room.ndjson"))
    with pytest.raises(CommandError, match="There is no room general"):
        export(GENERAL, to=tmp_path / "after.ndjson")
    assert not (tmp_path / "after.ndjson").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no"):
        call_command("import", str(tmp_path / "nothing"))


def test_an_auditor_verifies_with_the_key_alone(tmp_path: Path) -> None:
    export(GENERAL, to=tmp_path / "room.ndjson")
    out = io.StringIO()
    call_command("verify", str(tmp_path / "room.ndjson"), "--public-key", KEY, stdout=out)
    assert "6 events of general" in out.getvalue()
    assert "Nothing is missing" in out.getvalue()
    assert "Not in the tree: 6 events" in out.getvalue()


def heads_of(key: SigningKey, folder: Path) -> str:
    """A file with a head that this key signed."""
    path = folder / "heads.ndjson"
    path.write_text(json.dumps(members(key.sign(Head(6, 6, bytes(32), 0)))))
    return str(path)


def test_heads_that_an_auditor_kept_are_compared_where_they_can_be(tmp_path: Path) -> None:
    export("--all", to=tmp_path / "all.ndjson")
    out, heads = io.StringIO(), heads_of(django_settings.SIGNING_KEY, tmp_path)
    call_command("verify", str(tmp_path / "all.ndjson"), "--public-key", KEY, "--heads", heads, stdout=out)
    assert "Not compared: 1 tree head" in out.getvalue()


def test_heads_that_another_key_signed_are_refused(tmp_path: Path) -> None:
    export("--all", to=tmp_path / "all.ndjson")
    heads = heads_of(SigningKey(bytes(32)), tmp_path)
    with pytest.raises(CommandError, match="that of 6 events is not signed by a key that you trust"):
        call_command("verify", str(tmp_path / "all.ndjson"), "--public-key", KEY, "--heads", heads)


def test_what_was_changed_is_named(tmp_path: Path) -> None:
    lines = export(GENERAL, to=tmp_path / "room.ndjson")
    (tmp_path / "room.ndjson").write_text("\n".join([*lines, ""]).replace("a secret", "no secret"))
    err = io.StringIO()
    with pytest.raises(CommandError, match="is not what was exported: 2 findings"):
        call_command("verify", str(tmp_path / "room.ndjson"), "--public-key", KEY, stderr=err)
    assert err.getvalue().startswith("line 4: general/3 was changed")


@pytest.mark.parametrize("options", [("--public-key", "AAAA"), ("--public-key", "?")])
def test_a_key_that_is_none_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match="--public-key"):
        call_command("verify", str(tmp_path / "room.ndjson"), *options)


def test_readers_get_less(tmp_path: Path) -> None:
    text = "\n".join(export(GENERAL, "--as-reader", to=tmp_path / "room.ndjson"))
    assert "a secret" not in text
    assert '"state"' not in text


def test_the_past_is_named_by_seq_or_time(tmp_path: Path) -> None:
    assert len(export(GENERAL, "--as-of", "3", to=tmp_path / "a")) == 5
    assert len(export(GENERAL, "--as-of", "2000-01-01T00:00:00Z", to=tmp_path / "b")) == 2
    assert len(export("--all", "--as-of", "2999-01-01T00:00:00Z", to=tmp_path / "c")) == 8


@pytest.mark.parametrize(
    "options",
    [
        (),
        (GENERAL, "--all"),
        ("--all", "--format", "csv"),
        ("--all", "--as-reader"),
        ("--all", "--as-of", "5"),
        (GENERAL, "--content", "--as-reader"),
        (GENERAL, "--content", "--format", "html"),
        (GENERAL, "--as-of", "7"),
        (GENERAL, "--as-of", "yesterday"),
        ("nowhere",),
    ],
)
def test_what_cannot_be_exported_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        export(*options, to=tmp_path / "file")
    assert not (tmp_path / "file").exists()
