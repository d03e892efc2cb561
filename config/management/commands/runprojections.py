"""`manage.py runprojections`: the worker. Start as many as you like; one leads, the others stand by."""

import asyncio
import logging
import signal
from argparse import ArgumentParser
from typing import Any

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from api.application import Rest
from commands.store import NotDurable, StoreUnavailable
from config import logs, parts, starting
from config.admin import admin_port, no_page
from config.metrics import Metrics
from projections.queries import Queries
from projections.runner import Runner
from realtime.server import GONE_S

log = logging.getLogger("verbatim")


class Command(BaseCommand):
    """Keep the read models up to date until SIGTERM."""

    help = "Keep the read models up to date. Start as many as you like: one leads, the others stand by."

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How patient to be."""
        parser.add_argument("--wait", type=float, default=starting.WAIT_S, help="seconds to wait for the database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT. Raises: CommandError when this deployment has no place for a worker."""
        if settings.ON_SQLITE:
            raise CommandError("On SQLite the projections run inside `manage.py serve`; a worker needs PostgreSQL.")
        logs.configure("projections")
        starting.check_database(wait_s=options["wait"])
        try:
            uvloop.run(_work(options["wait"]))
        except (NotDurable, StoreUnavailable) as error:
            raise CommandError(str(error)) from error


async def _work(wait_s: float) -> None:
    deployment = await starting.open_parts(wait_s=wait_s)
    runner = parts.runner(deployment.log)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, _leave, runner)
    log.info("Verbatim's worker runs")
    queries = Queries(deployment.log)
    await queries.open()
    metrics = Metrics("projections", queries)
    state = {"log": deployment.log, "queries": queries, "metrics": metrics, "refusals": metrics.refusals}
    async with admin_port(Rest(no_page), state):
        await runner.run()
    await queries.close()
    await deployment.close()


def _leave(runner: Runner) -> None:
    """Stop between two batches, and surely: a database that hangs does not keep us."""
    signal.setitimer(signal.ITIMER_REAL, GONE_S)
    runner.stop()
