"""`manage.py retain`: end now the days of rooms that are over, as the server does by itself once an hour."""

from functools import partial
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from commands.errors import LegalHold, ProjectionBehind, Refusal
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable
from config import starting
from config.operating import Operating, clean, operating


class Command(BaseCommand):
    """Destroy the keys of days that rooms do not keep any more."""

    help = (
        "Destroy the keys of the days that are over in rooms whose record is kept for some days only (retain_days), as "
        "the server does once an hour. What is held for a court stays, and is named. Whatever is killed meanwhile, the "
        "same command finishes it."
    )

    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError when something that is over could not be ended, but for what is held."""
        starting.check_database(wait_s=0)
        try:
            ended, kept = uvloop.run(_retain())
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        except (NotDurable, StoreUnavailable, OutcomeUnknown, DatabaseError) as error:
            raise CommandError(f"The database failed: {' '.join(str(error).split())}. Say it again.") from error
        for room in ended:
            self.stdout.write(f"{room}: the days that are over have ended.")
        for room, why in kept.items():
            self.stdout.write(f"{room}: {why.detail}")
        if not (ended or kept):
            self.stdout.write("Nothing is over.")
        if failed := [room for room, why in kept.items() if not isinstance(why, LegalHold)]:
            raise CommandError(f"Not everything that is over has ended: {', '.join(failed)}. Say it again.")


async def _retain() -> tuple[list[str], dict[str, Refusal]]:
    """The rooms whose days ended, and those whose days did not, each with the reason.

    Raises: CommandError, Refusal, NotDurable, StoreUnavailable.
    """
    outcomes: dict[str, Refusal | None] = {}
    async with operating() as here:
        await here.patiently(partial(_once, here, outcomes))
        ended = [room for room, kept in outcomes.items() if kept is None]
        await here.patiently(
            partial(here.queries.wait_for, "history", max([0, *map(here.log.erasures.over_at, ended)]))
        )
        await clean()
    return ended, {room: kept for room, kept in outcomes.items() if kept is not None}


async def _once(here: Operating, outcomes: dict[str, Refusal | None]) -> None:
    """Raises: ProjectionBehind, Refusal, StoreUnavailable."""
    outcomes.update(await here.retaining.once())
    if behind := next((kept for kept in outcomes.values() if isinstance(kept, ProjectionBehind)), None):
        raise behind
