"""Rooms that projections set aside: which, why, and trying them again on a running deployment."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple, Protocol

from django.db import connection, transaction

from commands.subscription import Fact, Log
from projections import checkpoints
from projections.applying import Applier, is_due_to_an_event
from projections.projection import Projection

PAGE = 2000


class Parked(NamedTuple):
    """A room that a projection set aside at the event `seq`, why, and since when (Unix milliseconds)."""

    projection: str
    room: str
    seq: int
    error: str
    since: int


class OnThread(Protocol):
    """Runs synchronous work on the thread that has Django's connection."""

    def __call__[T](self, work: Callable[[], T]) -> Awaitable[T]: ...


def find(projection: str, room: str | None = None) -> list[Parked]:
    """What a projection set aside, the oldest first; or this room alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT projection, room, seq, error, since FROM parked_room "
            "WHERE projection = %s AND (room = %s OR %s IS NULL) ORDER BY since, room",
            [projection, room, room],
        )
        return [Parked._make(row) for row in cursor.fetchall()]


async def retry(log: Log, projection: Projection, parked: Parked, on_thread: OnThread) -> bool:
    """Apply a parked room's events again from where it was parked, and follow it again if all can be applied.

    Nothing of the runner is needed: it leaves the room alone while it is parked, and sees that it is not any more in
    its next batch. Raises: StoreUnavailable, and the database's errors.
    """
    applier = Applier(projection)
    after = parked.seq - 1
    while True:
        complete_to = await log.last_position()
        while page := await log.read_room(parked.room, after=after, limit=PAGE, auditor=True):
            if not await on_thread(partial(_try_page, applier, page)):
                return False
            after = page[-1].recorded.seq
        if await on_thread(partial(_release, projection.name, parked.room, complete_to)):
            return True


def _try_page(applier: Applier, page: list[Fact]) -> bool:
    try:
        applier.write(page)
    except Exception as error:
        if not is_due_to_an_event(error):
            raise
        return applier.try_room(page)
    return True


def _release(projection: str, room: str, complete_to: int) -> bool:
    """Follow a room again if all its events up to the checkpoint were applied, between two batches of the runner."""
    with transaction.atomic():
        if checkpoints.position(projection, lock=True) > complete_to:
            return False
        checkpoints.unpark(projection, room)
        return True
