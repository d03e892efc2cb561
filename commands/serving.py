"""Which request a task serves, and whose it is: what log lines are marked with. No decision rests on it."""

from contextvars import ContextVar
from typing import NamedTuple


class Serving(NamedTuple):
    """A request by its id, and its person as far as they are known."""

    request_id: str = ""
    person: str = ""


_NOBODY = Serving()
_serving: ContextVar[Serving] = ContextVar("serving", default=_NOBODY)


def serve(request_id: str, person: str = "") -> None:
    """From here on this task, and those that it starts, serve this request."""
    _serving.set(Serving(request_id, person))


def serve_person(person: str) -> None:
    """The person of the request is known now."""
    _serving.set(_serving.get()._replace(person=person))


def serving() -> Serving:
    """What the running task serves."""
    return _serving.get()
