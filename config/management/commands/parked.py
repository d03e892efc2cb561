"""`manage.py parked`: the rooms that projections have set aside, and trying them again."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from commands.clock import rfc3339
from commands.store import NotDurable, StoreUnavailable
from config import parts, starting
from projections import parking
from projections.known import KNOWN
from projections.parking import Parked
from projections.sql import disconnect


class Command(BaseCommand):
    """List parked rooms, or try them again: those that can be followed are released."""

    help = (
        "List the rooms that projections have set aside, because an event in them could not be applied. With --retry "
        "they are tried again, on the running deployment: those whose events can all be applied now are released."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which rooms, and whether to try them."""
        parser.add_argument("room", nargs="*", help="these rooms alone")
        parser.add_argument("--projection", choices=[each.name for each in KNOWN], help="of this projection alone")
        parser.add_argument("--retry", action="store_true", help="try them again, and release those that succeed")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError, also when a room stays parked."""
        starting.check_database(wait_s=0)
        try:
            found = _find(options["projection"], options["room"])
            if missing := sorted(set(options["room"]) - {each.room for each in found}):
                raise CommandError(f"{missing[0]} is not parked.")
            if not options["retry"]:
                self.stdout.write("\n".join(map(_line, found)) or "No room is parked.")
            elif stay := uvloop.run(self._retry(found)):
                raise CommandError(f"{stay} of {len(found)} stay parked.")
        except (NotDurable, StoreUnavailable, DatabaseError) as error:
            raise CommandError(f"The database failed: {' '.join(str(error).split())}") from error
        finally:
            disconnect()

    async def _retry(self, found: Sequence[Parked]) -> int:
        """Try these rooms again; answers how many stay parked."""
        deployment = parts.build()
        await deployment.open()
        thread = ThreadPoolExecutor(1)

        async def on_thread[T](work: Callable[[], T]) -> T:
            return await asyncio.get_running_loop().run_in_executor(thread, work)

        stay = 0
        try:
            for each in found:
                (projection,) = (known for known in KNOWN if known.name == each.projection)
                if await parking.retry(deployment.log, projection, each, on_thread):
                    self.stdout.write(f"{each.projection}: {each.room} is released")
                    continue
                stay += 1
                for still in await on_thread(partial(parking.find, each.projection, each.room)):
                    self.stdout.write(_line(still))
        finally:
            await on_thread(disconnect)
            thread.shutdown()
            await deployment.close()
        return stay


def _find(projection: str | None, rooms: Sequence[str]) -> list[Parked]:
    names = [each.name for each in KNOWN if projection in (None, each.name)]
    found = [each for name in names for each in parking.find(name)]
    return [each for each in found if not rooms or each.room in rooms]


def _line(parked: Parked) -> str:
    where = f"{parked.projection}: {parked.room} is parked at seq {parked.seq}"
    return f"{where} since {rfc3339(parked.since)}: {parked.error}"
