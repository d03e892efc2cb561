"""`manage.py doctor`: whether this deployment is well, and what to mend."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.checkups import postgres, redis, sqlite, surroundings
from config.checkups.findings import Finding, Findings, problem


class Command(BaseCommand):
    """Look at everything, change nothing, one line each."""

    help = "Check this deployment and say what to mend. Changes nothing; exit code 1 if there are problems."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError (exit code 1) when there are problems."""
        found = {"ok": 0, "warning": 0, "problem": 0}
        for finding in _examine():
            found[finding.level] += 1
            self.stdout.write(str(finding))
        if found["problem"]:
            raise CommandError("There are problems: {problem}. Warnings: {warning}.".format(**found))
        self.stdout.write("No problems. Warnings: {warning}.".format(**found))


def _examine() -> Iterator[Finding]:
    yield from surroundings.check()
    yield from _shielded(
        sqlite.check(Path(settings.DATABASES["default"]["NAME"])) if settings.ON_SQLITE else postgres.check()
    )
    yield from redis.check()


def _shielded(findings: Findings) -> Findings:
    """A database that fails in the middle is a finding, too."""
    try:
        yield from findings
    except DatabaseError as error:
        yield problem("database", " ".join(str(error).split()))
