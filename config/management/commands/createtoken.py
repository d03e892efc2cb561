"""`manage.py createtoken NAME`: a token for a program."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from commands.clock import now_ms
from config import tokens
from config.models import ApiToken

DAY_MS = 24 * 3600 * 1000
MAX_DAYS = 36_500


class Command(BaseCommand):
    """Make a token, tell it once, keep its hash."""

    help = "Make a token for a program. It is shown once; only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name, the scope and the days."""
        parser.add_argument("name", help="what the token is for: it is revoked by this name")
        parser.add_argument(
            "--scope", choices=tokens.SCOPES, default="audit", help="audit: read everything, change nothing"
        )
        parser.add_argument("--days", type=int, help=f"days until it expires, at most {MAX_DAYS}; for ever if left out")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError for a name that is taken, for no days or too many."""
        if options["days"] is not None and options["days"] < 1:
            raise CommandError("A token lasts a day at least.")
        if options["days"] is not None and options["days"] > MAX_DAYS:
            raise CommandError(f"A token lasts {MAX_DAYS} days at most; for one without an end leave --days out.")
        token, digest = tokens.mint()
        now = now_ms()
        expires_at = None if options["days"] is None else now + options["days"] * DAY_MS
        try:
            ApiToken.objects.create(
                digest=digest, name=options["name"], scope=options["scope"], created_at=now, expires_at=expires_at
            )
        except IntegrityError:
            raise CommandError(f"There is a token called {options['name']} already.") from None
        self.stderr.write("Keep it: it is not shown again.")
        self.stdout.write(token)
