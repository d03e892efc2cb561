"""`manage.py erase PERSON`: a person's key is destroyed, and everything forgets them. It cannot be undone."""

from argparse import ArgumentParser
from functools import partial
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from commands.administration import Ruling
from commands.erasing import Erase
from commands.errors import Refusal
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable
from config import starting
from config.operating import clean, operating, operator


class Command(BaseCommand):
    """Erase a person."""

    help = (
        "Destroy a person's key, for good: what was personal in their events can be read by nobody any more, and what "
        "was made of it forgets it. Nothing that is stored is rewritten: `verify` still passes. A legal hold refuses. "
        "Whatever is killed meanwhile, the same command finishes it."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whom, and why."""
        parser.add_argument("person", help="guest:<id>, user:<id> or bot:<id>")
        parser.add_argument("--reason", default="", help="for auditors; kept with the event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError when somebody is held, is not known, or not everything could be forgotten yet."""
        starting.check_database(wait_s=0)
        command = Erase(person=options["person"], reason=options["reason"])
        try:
            ruling = uvloop.run(_erase(command))
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        except (NotDurable, StoreUnavailable, OutcomeUnknown, DatabaseError) as error:
            raise CommandError(f"The database failed: {' '.join(str(error).split())}. Say it again.") from error
        when = "is erased" if ruling.changed else "was erased already"
        self.stdout.write(f"{command.person} {when}: event {ruling.seq} of people, position {ruling.position}.")
        self.stdout.write("The key is destroyed, and no row has what they said. Backups and exports that exist do.")


async def _erase(command: Erase) -> Ruling:
    """Raises: CommandError, Refusal, NotDurable, StoreUnavailable."""
    async with operating() as here:
        ruling = await here.patiently(partial(here.administration.carry_out, command, operator("erase")))
        await here.patiently(partial(here.queries.wait_for, "history", ruling.position))
        await clean()
    return ruling
