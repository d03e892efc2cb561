"""`manage.py hold`: legal holds on people and rooms. What is held cannot be erased."""

from argparse import ArgumentParser
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from commands.administration import Ruling
from commands.clock import rfc3339
from commands.erasing import Hold, Last, Release
from commands.errors import Refusal
from commands.people import RoomHeld, RoomReleased
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable
from config import starting
from config.operating import operating, operator


class Command(BaseCommand):
    """Hold a person or a room, release them, or list what is held."""

    help = (
        "A legal hold on a person, or on everybody who took part in a room: nobody can erase them until --release. "
        "Without a name: list what is held, since when and why."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add whom or what, and why."""
        parser.add_argument("person", nargs="?", help="guest:<id>, user:<id> or bot:<id>")
        parser.add_argument("--room", help="a room's label, instead of a person")
        parser.add_argument("--release", action="store_true", help="end the hold")
        parser.add_argument("--reason", default="", help="for auditors; kept with the event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError for two names, and for whom nobody knows."""
        person, room = options["person"], options["room"]
        if person and room:
            raise CommandError("Name a person or a room, not both.")
        starting.check_database(wait_s=0)
        try:
            if not (person or room):
                self.stdout.write("\n".join(uvloop.run(_held())) or "Nothing is held.")
                return
            kind = Release if options["release"] else Hold
            ruling = uvloop.run(_rule(kind(person=person, room=room, reason=options["reason"])))
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        except (NotDurable, StoreUnavailable, OutcomeUnknown) as error:
            raise CommandError(f"The database failed: {' '.join(str(error).split())}") from error
        already = "" if ruling.changed else " already"
        self.stdout.write(f"{person or room} is {'released' if options['release'] else 'held'}{already}.")


async def _rule(command: Hold | Release) -> Ruling:
    """Raises: Refusal, NotDurable, StoreUnavailable."""
    async with operating() as here:
        return await here.administration.carry_out(command, operator("hold"))


async def _held() -> list[str]:
    """What is held at present, a line each. Raises: Refusal, NotDurable, StoreUnavailable."""
    async with operating() as here:
        return [_line(last) for last in (await here.administration.standing()).held()]


def _line(last: Last) -> str:
    event = last.event
    whom = f"room {event.room}" if isinstance(event, RoomHeld | RoomReleased) else event.person
    return f"{whom}  since {rfc3339(event.occurred_at)}  by {event.actor}  {event.reason}".rstrip()
