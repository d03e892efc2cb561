"""`manage.py verify [FILE]`: whether anything in the store, or in an export, was changed. Exit code 1 if so."""

import json
from argparse import ArgumentParser
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from commands.errors import Unavailable
from commands.store import NotDurable, StoreUnavailable
from commands.treehead import SignedHead, key_as_text, key_from_text
from config import starting, verification
from config.garbage import collected_seldom
from config.offline import verify_file


class Command(BaseCommand):
    """Hold the whole log, or an export, against the tree and its signed heads."""

    help = (
        "Read the whole log and hold it against every signed tree head: what was changed, removed, inserted or moved "
        "is named. Others may go on meanwhile. With a FILE (an NDJSON export) check that instead, without any server. "
        "Exit code 1 if anything is wrong."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to verify, whom to trust, and how to answer."""
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an export (NDJSON); needs --public-key")
        parser.add_argument(
            "--public-key",
            action="append",
            metavar="KEY",
            help="trust this key (base64) and not the server's own; may be said several times",
        )
        parser.add_argument(
            "--heads", type=Path, metavar="FILE", help="heads that were kept elsewhere, a line each as log/head answers"
        )
        parser.add_argument("--json", action="store_true", help="answer as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError (exit code 1) when anything is wrong, or nothing can be told."""
        trusted = {_key(text) for text in options["public_key"] or ()} or {settings.SIGNING_KEY.public_key}
        published = _heads(options["heads"]) if options["heads"] else []
        with collected_seldom():
            if options["file"]:
                _check_file_alone(options)
                verify_file(options["file"], trusted, published, self.stdout, self.stderr)
            else:
                self._verify_store(trusted, published, options)

    def _verify_store(
        self, trusted: Collection[bytes], published: Sequence[SignedHead], options: dict[str, Any]
    ) -> None:
        """Raises: CommandError."""
        starting.check_database(wait_s=0)
        try:
            report, took_s = uvloop.run(verification.verify(trusted, published, self.stderr))
        except (NotDurable, StoreUnavailable, Unavailable) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped: nothing can be told.") from None
        if options["json"]:
            self.stdout.write(json.dumps(verification.members(report, took_s), ensure_ascii=False, indent=2))
        elif report.holds:
            self.stdout.write("\n".join(verification.summary(report, took_s)))
            if not options["public_key"]:
                own = settings.SIGNING_KEY.public_key
                self.stdout.write(f"This trusts the server's own key, {key_as_text(own)}: is it the one you know?")
        if not report.holds:
            lines = [] if options["json"] else list(verification.told(report))
            raise CommandError("\n".join([*lines, "The store is not what it was, or not what was signed."]))


def _check_file_alone(options: dict[str, Any]) -> None:
    """Raises: CommandError for options that do not go with a file."""
    if not options["public_key"]:
        raise CommandError("--public-key: whose signature should count? It is in `log/head`, and where you keep it.")
    if options["json"]:
        raise CommandError("--json is for the store, not for a file.")


def _key(text: str) -> bytes:
    try:
        return key_from_text(text)
    except ValueError as error:
        raise CommandError(f"--public-key: {error}.") from None


def _heads(path: Path) -> list[SignedHead]:
    try:
        return verification.published_heads(path)
    except (OSError, ValueError) as error:
        raise CommandError(f"--heads: {error}") from None
