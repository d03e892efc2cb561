"""Log lines: JSON, marked with request and person, silent about what errors quote."""

import json
import logging
from contextvars import copy_context

import psycopg
import pytest
from django.db import DataError

from commands.serving import serve
from commands.store import StoreUnavailable
from config.logs import Discreet, Lines

SECRET = "wisteria"


def line(message: str, *args: object, error: BaseException | None = None, **more: object) -> dict[str, object]:
    told = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("verbatim", logging.ERROR, "", 1, message, args, told)
    record.__dict__ |= more
    written = Lines("web-1").format(record)
    assert "\n" not in written
    read: dict[str, object] = json.loads(written)
    return read


def test_a_line_says_when_how_bad_who_and_what() -> None:
    told = line("room %s: %d", "general", 3, fields={"took_ms": 7})
    assert str(told.pop("time")).endswith("Z")
    assert told == {
        "level": "error", "logger": "verbatim", "message": "room general: 3", "worker": "web-1", "took_ms": 7,
    }  # fmt: skip


def test_a_line_within_a_request_names_it_and_its_person() -> None:
    def within() -> dict[str, object]:
        serve("r-1", "guest:ada")
        return line("hm")

    told = copy_context().run(within)
    assert (told["request_id"], told["person"]) == ("r-1", "guest:ada")
    assert "request_id" not in line("hm")


def test_what_is_not_text_can_be_logged() -> None:
    assert line("odd %s", "\ud800 \n \x00")["message"] == "odd \ud800 \n \x00"


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        DataError(f"DETAIL: Failing row contains ({SECRET})"),
        psycopg.errors.NotNullViolation(f"Failing row contains ({SECRET})"),
    ],
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_an_error_does_not_quote_its_value(error: Exception, form: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        wrap(error)
    if form == "json":
        written = str(line("failed", error=caught.value)["traceback"])
    else:
        record = logging.LogRecord("verbatim", logging.ERROR, "", 1, "failed", (), caught._excinfo)
        written = Discreet().format(record)
    assert SECRET not in written
    assert written.index(type(error).__qualname__) < written.index("builtins.RuntimeError: while projecting")
    assert "in fail" in written


def test_an_error_about_the_world_is_told_in_full() -> None:
    error = StoreUnavailable("connection refused")
    told = Discreet().formatException((type(error), error, None))
    assert told == "commands.store.StoreUnavailable: connection refused"


def wrap(error: Exception) -> None:
    try:
        fail(error)
    except Exception as reason:
        raise RuntimeError("while projecting") from reason


def fail(error: Exception) -> None:
    raise error
