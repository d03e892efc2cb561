"""`manage.py import FILE`: what another server, or another chat, exported, into an empty server."""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError

from archive.guide import Guide
from archive.matrix import Matrix
from archive.restoring import Ndjson
from archive.slack import Slack
from archive.sources import Damaged, Source
from commands.restoring import Disturbed, NotEmpty, Restoring
from commands.store import NotDurable, OutcomeUnknown, StoreUnavailable
from config import parts, starting
from config.garbage import collected_seldom

FORMATS: dict[str, Callable[[Path], Source]] = {"ndjson": Ndjson, "slack": Slack, "matrix": Matrix, "guide": Guide}

AGAIN = "Begin again with an empty server."


class Command(BaseCommand):
    """Import into an empty server."""

    help = "Read an export of Verbatim, Slack, Matrix (Element) or the tutorial's chat_message into an empty server."

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to read, and as what."""
        parser.add_argument("file", type=Path, help="a file; of Slack also a folder")
        parser.add_argument("--format", choices=FORMATS, default="ndjson")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError for what cannot be imported, and for a server that is not empty."""
        if not options["file"].exists():
            raise CommandError(f"There is no {options['file']}.")
        starting.check_database(wait_s=0)
        try:
            with starting.alone(), collected_seldom():
                source = FORMATS[options["format"]](options["file"])
                events = uvloop.run(_import(source))
        except Damaged as error:
            raise CommandError(f"Nothing was imported: {error}.") from error
        except (NotEmpty, Disturbed) as error:
            raise CommandError(str(error) or (type(error).__doc__ or "")) from error
        except (NotDurable, StoreUnavailable, OutcomeUnknown) as error:
            raise CommandError(f"The import stopped: {error}. {AGAIN}") from error
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
        for what, number in sorted(source.skipped.items()):
            self.stderr.write(f"Left out: {number:,} × {what}.")
        self.stdout.write(f"{events:,} events are back. What people read is made from them when the server runs.")


async def _import(source: Source) -> int:
    """Check all, then append all. Answers how many events.

    Raises: CommandError, Damaged, NotEmpty, Disturbed, NotDurable, StoreUnavailable, OutcomeUnknown.
    """
    deployment = parts.build()
    await deployment.open()
    try:
        restoring = Restoring(deployment.store, deployment.mapper)
        await restoring.check_empty()
        source.check()
        try:
            await restoring.append(source.decided())
        except Damaged as error:
            raise CommandError(f"The file was changed while it was read: {error}. {AGAIN}") from error
        return restoring.events
    finally:
        await deployment.close()
