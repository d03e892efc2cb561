"""`manage.py revoketoken [NAME]`: a token counts no more; without a name, which ones there are."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from commands.clock import LATEST_MS, now_ms, rfc3339
from config.models import ApiToken


class Command(BaseCommand):
    """Revoke a token, or list them."""

    help = "Revoke a token by its name; processes heed it within ten seconds. Without a name: list them."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the name."""
        parser.add_argument("name", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError for a name that no token has."""
        if options["name"] is None:
            for token in ApiToken.objects.order_by("created_at"):
                self.stdout.write(f"{token.name}  {token.scope}  made {rfc3339(token.created_at)}  {_standing(token)}")
        elif not ApiToken.objects.filter(name=options["name"], revoked_at=None).update(revoked_at=now_ms()):
            raise CommandError(f"No token that counts is called {options['name']}.")


def _standing(token: ApiToken) -> str:
    if token.revoked_at is not None:
        return f"revoked {rfc3339(token.revoked_at)}"
    if token.expires_at is None or token.expires_at > LATEST_MS:
        return "lasts until it is revoked"
    return f"{'expired' if token.expires_at <= now_ms() else 'expires'} {rfc3339(token.expires_at)}"
