"""`manage.py rebuild NAME … | --all`: read models made anew from the log, while everybody goes on."""

import os
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from commands.store import NotDurable, StoreUnavailable
from config import parts, starting
from config.garbage import collected_seldom
from config.progress import Bar
from projections.beside import Beside, NothingKept, WentBack
from projections.checkpoints import LostLead
from projections.comparing import Compared, Comparison
from projections.known import KNOWN
from projections.projection import Projection
from projections.rebuilding import LogEnds, Rebuilding, RebuildRunning, SomebodyReads

NICEST = 19
REFUSALS = (LogEnds, NothingKept, RebuildRunning, SomebodyReads, WentBack, NotDurable, StoreUnavailable)
DIFFERS = (
    "{} would not be what is in use, so that was left in use. If you meant it, say --accept-difference: it goes on "
    "from where it is."
)


class Command(BaseCommand):
    """Build projections anew beside those in use, compare, exchange; or put back what was kept."""

    help = (
        "Build read models anew from the log, beside those in use, while everybody goes on. What was built is compared "
        "with what is in use, and takes its place if it is equal. The old one is kept."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which projections, and what to do."""
        parser.add_argument("projection", nargs="*", help=", ".join(_names(KNOWN)))
        parser.add_argument("--all", action="store_true", help="all of them, in one pass over the log")
        parser.add_argument(
            "--accept-difference", action="store_true", help="put it in use even if it says something else"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--rollback", action="store_true", help="put the version back in use that was kept")
        what.add_argument("--discard", action="store_true", help="remove the version that is kept, or half built")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError."""
        projections = _chosen(options["projection"], everything=options["all"])
        starting.check_database(wait_s=0)
        try:
            with collected_seldom():
                uvloop.run(self._work(projections, options))
        except REFUSALS as error:
            raise CommandError(str(error)) from error
        except LostLead as error:
            raise CommandError("Somebody else changed what was being built: start again.") from error
        except DatabaseError as error:
            says = " ".join(str(error).split())
            raise CommandError(
                f"The database failed: {says}. Start again, and it goes on from where it was."
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped. Start again, and it goes on from where it was.") from None

    async def _work(self, projections: Sequence[Projection], options: dict[str, Any]) -> None:
        deployment = parts.build()
        await deployment.open()
        bar = Bar(self.stderr, ", ".join(_names(projections)))
        yielding = () if settings.ON_SQLITE else (give_way,)  # there others wait for what we hold
        rebuilding = Rebuilding(deployment.log, projections, bar.show, *yielding)
        try:
            async with rebuilding.alone() as versions:
                if options["discard"]:
                    for each in versions:
                        await rebuilding.on_thread(each.discard)
                else:
                    await self._replace(rebuilding, versions, bar, options)
        finally:
            await deployment.close()

    async def _replace(
        self, rebuilding: Rebuilding, versions: Sequence[Beside], bar: Bar, options: dict[str, Any]
    ) -> None:
        back: bool = options["rollback"]
        for each in versions:
            await rebuilding.on_thread(each.begin_to_return if back else each.begin)
        await rebuilding.bring_forward(versions)
        bar.end()
        different = []
        for each in versions:
            comparison = await rebuilding.compare(each)
            self._show(each.projection, comparison)
            if comparison.equal or back or options["accept_difference"]:
                await rebuilding.exchange(each)
                self.stdout.write(f"  put in use; the other is kept (rebuild {each.projection.name} --rollback)")
            else:
                different.append(each.projection.name)
        if different:
            raise CommandError(DIFFERS.format(" and ".join(different)))

    def _show(self, projection: Projection, comparison: Comparison) -> None:
        self.stdout.write(f"{projection.name} at position {comparison.position:,}")
        for table in comparison.tables:
            self.stdout.write("\n".join(_lines(table)))
        if comparison.parked or comparison.parked_beside:
            self.stdout.write(f"  parked rooms: {comparison.parked:,} in use, {comparison.parked_beside:,} rebuilt")


def give_way() -> None:
    """Let this thread work only while nobody else on the machine wants to, as far as the system has such a thing."""
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    else:
        os.nice(NICEST)


def _lines(table: Compared) -> list[str]:
    """What to say of a table."""
    line = f"  {table.table:<16} {table.in_use.rows:>12,} rows, checksum {table.in_use.checksum}"
    if table.equal:
        return [f"{line}: equal"]
    rebuilt = f"  {'':<16} {table.beside.rows:>12,} rows, checksum {table.beside.checksum} rebuilt"
    differs = f"    {table.changed:,} rows say something else, {table.gone:,} are gone, {table.added:,} are new"
    return [f"{line} in use", rebuilt, differs, *(f"    {example}" for example in table.examples)]


def _chosen(names: Sequence[str], *, everything: bool) -> list[Projection]:
    """Raises: CommandError."""
    unknown = sorted(set(names) - set(_names(KNOWN)))
    if unknown:
        raise CommandError(f"There is no projection {unknown[0]}. There are: {', '.join(_names(KNOWN))}.")
    if everything == bool(names):
        raise CommandError(f"Say which projections ({', '.join(_names(KNOWN))}), or --all.")
    return [each for each in KNOWN if everything or each.name in names]


def _names(projections: Sequence[Projection]) -> list[str]:
    return [each.name for each in projections]
