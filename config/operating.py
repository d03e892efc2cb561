"""What a command at a terminal needs to do what auditors do: a deployment with everything that erasing takes."""

import asyncio
import getpass
import secrets
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import NamedTuple

from django.core.management.base import CommandError

from commands.administration import Administration
from commands.errors import ProjectionBehind
from commands.identity import Caller
from commands.subscription import Log
from commands.writer import Writer
from config import parts, starting
from config.retaining import Retaining
from projections.forgetting import leave_nothing
from projections.queries import Queries
from projections.sql import disconnect

OPERATOR = "bot:operator"
"""Who acts at a terminal; from where, and as whom of the machine, is kept with the event."""
STANDSTILL_S = 20.0
"""How long the projections may stand still before it is said that nobody runs them."""
CLEAN_S = 30.0
AGAIN_S = 0.5


class Operating(NamedTuple):
    """A deployment that is open, and the doors that a command needs."""

    administration: Administration
    queries: Queries
    log: Log
    retaining: Retaining

    async def patiently[T](self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask again for as long as the projections come nearer. Raises: CommandError when they stand still."""
        reached, deadline = -1, 0.0
        while True:
            try:
                return await ask()
            except ProjectionBehind:
                come = sum(each.position for each in await self.queries.projections())
            if come > reached:
                reached, deadline = come, time.monotonic() + STANDSTILL_S
            elif time.monotonic() > deadline:
                raise CommandError(
                    "The projections stand still: start `manage.py serve`, or runprojections, and try again."
                ) from None


@asynccontextmanager
async def operating() -> AsyncIterator[Operating]:
    """A deployment that is brought forward, by whoever runs it, or meanwhile by us.

    Raises: NotDurable, StoreUnavailable.
    """
    deployment = parts.build()
    await deployment.open()
    queries, writer = Queries(deployment.log), Writer(deployment.store, lambda _: None)
    await queries.open()
    writer.start()
    runner = parts.runner(deployment.log)
    with ExitStack() as held:
        running = None
        with suppress(CommandError):
            held.enter_context(starting.alone())
            running = asyncio.create_task(runner.run(), name="projections")
        try:
            administration = parts.administration(deployment, writer, queries)
            retaining = Retaining(administration, queries, deployment.log)
            yield Operating(administration, queries, deployment.log, retaining)
        finally:
            runner.stop()
            if running:
                await running
            await writer.close()
            await queries.close()
            await deployment.close()


async def clean() -> None:
    """See to it that what has been forgotten is left nowhere in the database. Raises: CommandError."""
    deadline = time.monotonic() + CLEAN_S
    with ThreadPoolExecutor(1) as thread:
        on_thread = partial(asyncio.get_running_loop().run_in_executor, thread)
        try:
            while not await on_thread(leave_nothing):
                if time.monotonic() > deadline:
                    raise CommandError(
                        "The key is destroyed and nobody is shown anything, but a rebuild of the history, or somebody "
                        "who reads the database without a pause, still has what was said. Say it again later."
                    )
                await asyncio.sleep(AGAIN_S)
        finally:
            await on_thread(disconnect)


def operator(command: str) -> Caller:
    """Who asks, at this terminal."""
    return Caller(
        person=OPERATOR,
        handle="operator",
        request_id=secrets.token_hex(16),
        address=socket.gethostname(),
        client=f"manage.py {command} ({_login()})",
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "?"
