"""`manage.py retain`: end now the days of rooms that are over, as the server does by itself once an hour."""

from functools import partial
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from commands.errors import Refusal
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable
from config import starting
from config.operating import operating


class Command(BaseCommand):
    """Destroy the keys of days that rooms do not keep any more."""

    help = (
        "Destroy the keys of the days that are over in rooms whose record is kept for some days only (retain_days), as "
        "the server does once an hour. What is held for a court stays."
    )

    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError."""
        starting.check_database(wait_s=0)
        try:
            ended = uvloop.run(_retain())
        except (Refusal, NotDurable, StoreUnavailable, OutcomeUnknown) as error:
            raise CommandError(str(error)) from error
        self.stdout.write("\n".join(f"{room}: days that are over have ended." for room in ended) or "Nothing is over.")


async def _retain() -> list[str]:
    """Raises: CommandError, Refusal, NotDurable, StoreUnavailable."""
    async with operating() as here:
        ended = await here.patiently(here.retaining.once)
        last = max([0, *map(here.log.erasures.over_at, ended)])
        await here.patiently(partial(here.queries.wait_for, "history", last))
    return ended
