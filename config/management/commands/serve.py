"""`manage.py serve`: the web process, or several with a parent."""

import asyncio
import socket
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import logs, starting
from config.listening import SPREADS, listen
from config.workers import Workers
from realtime.affinity import Affinity
from realtime.server import run

APPLICATION = "config.asgi:application"


class Command(BaseCommand):
    """Serve HTTP, REST and WebSockets; on SQLite the projections too."""

    help = (
        "Serve HTTP, REST and WebSockets (on SQLite with the projections in the same process). SIGTERM: answer what "
        "was asked, send everybody away and exit, within 10 s. SIGHUP, with --workers: replace one after the other."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, in how many processes."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=_at_least_one, default=1, help="web processes; PostgreSQL and Redis only")
        parser.add_argument("--wait", type=float, default=starting.WAIT_S, help="seconds to wait for the database")
        parser.add_argument("--place", type=int, default=0, help=SUPPRESS)
        parser.add_argument("--inherited", type=_files, help=SUPPRESS)
        parser.add_argument("--mail", type=_files, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT. Raises: CommandError for a deployment that cannot work."""
        workers: int = options["workers"]
        logs.configure(f"web-{settings.WORKER}" if workers == 1 else "web-parent")
        starting.check_settings(workers=workers)
        with starting.alone():
            starting.check_database(wait_s=options["wait"])
            if options["inherited"]:
                *listening, parent = (socket.socket(fileno=file) for file in options["inherited"])
                affinity = Affinity(options["place"], options["mail"]) if options["mail"] else None
                run(APPLICATION, listening, parent=parent, affinity=affinity)
            elif workers == 1:
                run(APPLICATION, *listen(options["host"], options["port"]))
            else:
                self._lead(workers, options)

    def _lead(self, workers: int, options: dict[str, Any]) -> None:
        """Be the parent. Raises: CommandError when a worker cannot start."""
        places = listen(options["host"], options["port"], places=workers)
        command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "serve", f"--wait={options['wait']}"]
        affinity = settings.ROOM_AFFINITY and SPREADS
        if not asyncio.run(Workers(command, places, affinity=affinity).run()):
            raise CommandError("A worker could not start; what it says about that stands above.")


def _files(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError("at least 1")
    return number
