"""The log of a process, on stderr: one JSON object a line, or plain text for a person at a terminal.

What people say, what they are called and the tokens by which they are known are never logged. So nobody logs them; and
since an error may quote the value that it is about, a traceback tells the words of those errors only that speak of the
world, as of a connection, and not of data.
"""

import json
import logging
from collections.abc import Iterator
from traceback import format_tb
from typing import Any, override

import django.db
import psycopg
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from commands.clock import rfc3339
from commands.serving import serving
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
OF_THE_WORLD = (
    *(OSError, ImportError, AttributeError, NameError, TypeError, RuntimeError, ImproperlyConfigured),
    *(NotDurable, OutcomeUnknown, StoreUnavailable),
    *(psycopg.OperationalError, psycopg.InterfaceError, django.db.OperationalError, django.db.InterfaceError),
)


def configure(worker: str) -> None:
    """Log from here on, each line with the name of this `worker`. Warnings of Python are logged, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(Lines(worker) if settings.LOG_FORMAT == "json" else Discreet(TEXT))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)


class Discreet(logging.Formatter):
    """Formats errors without the values that they quote."""

    @override
    def formatException(self, ei: Any) -> str:
        """Where an error came from, and those that led to it, the first one first."""
        return "".join(reversed(list(_explain(ei[1])))).rstrip()


class Lines(Discreet):
    """A record as one line of JSON: what happened, where, in which request of whom, and the `fields` that it has."""

    def __init__(self, worker: str) -> None:
        super().__init__()
        self._worker = worker

    @override
    def format(self, record: logging.LogRecord) -> str:
        request_id, person = serving()
        line: dict[str, Any] = {
            "time": rfc3339(int(record.created * 1000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "worker": self._worker,
        }
        if request_id:
            line["request_id"] = request_id
        if person:
            line["person"] = person
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def _explain(error: BaseException | None) -> Iterator[str]:
    """The error, then what it came from."""
    while error is not None:
        kind = f"{type(error).__module__}.{type(error).__qualname__}"
        words = f": {error}" if isinstance(error, OF_THE_WORLD) else ""
        yield "".join((*format_tb(error.__traceback__), kind, words, "\n"))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
