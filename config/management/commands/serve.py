"""`manage.py serve`: the web process."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from realtime.server import run


class Command(BaseCommand):
    """Serve HTTP, REST and WebSockets; on SQLite the projections too."""

    help = "Serve HTTP, REST and WebSockets (on SQLite with the projections in the same process)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.PORT)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        run("config.asgi:application", host=options["host"], port=options["port"])
