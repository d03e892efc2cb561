"""`manage.py replay ROOM`: a room's past in the terminal, with the pauses that were in it."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import uvloop
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from commands.clock import rfc3339
from commands.events import MessageEdited, MessagePosted, wire_name
from commands.store import NotDurable, StoreUnavailable
from commands.subscription import Fact, Log
from config import parts
from config.printable import printable
from realtime.encoding import event_json
from realtime.player import Pace, Player
from realtime.replays import seq_of

MIN_SPEED, MAX_SPEED = 0.1, 1000


class Command(BaseCommand):
    """Play a room again."""

    help = "Play a room's past again, with the pauses that were between its events."

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to play, and how."""
        parser.add_argument("room", help="the room's label")
        parser.add_argument("--from", dest="begin", default="1", help="a seq or an RFC 3339 time")
        parser.add_argument("--to", dest="end", help="a seq or an RFC 3339 time; to the end if left out")
        parser.add_argument("--speed", type=float, default=1.0, help="how many times as fast: 0.1 to 1000")
        parser.add_argument("--max-gap-ms", type=int, default=5000, help="no pause is longer (milliseconds)")
        parser.add_argument("--json", action="store_true", help="print the events as a socket would send them")
        parser.add_argument("--audit", action="store_true", help="show what was redacted, too")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play until the end, Ctrl-C, or nobody reads on. Raises: CommandError for what cannot be played or printed."""
        if not MIN_SPEED <= options["speed"] <= MAX_SPEED:
            raise CommandError("--speed: use a number from 0.1 to 1000.")
        if options["max_gap_ms"] < 0:
            raise CommandError("--max-gap-ms: use milliseconds, 0 or more.")
        try:
            uvloop.run(_play(Terminal(self.stdout, as_json=options["json"]), options))
        except (NotDurable, StoreUnavailable) as error:
            raise CommandError(str(error)) from error
        except (KeyboardInterrupt, BrokenPipeError):
            self.stderr.write("Stopped.")


class Terminal:
    """A terminal as a player's audience."""

    def __init__(self, out: OutputWrapper, *, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self.over = asyncio.Event()

    def show(self, facts: Sequence[Fact]) -> int:
        """Print a line for each event. Raises: CommandError if it cannot be, BrokenPipeError if nobody reads."""
        try:
            for fact in facts:
                self._out.write(event_json(fact).decode() if self._as_json else line(fact))
            self._out.flush()
        except BrokenPipeError:
            raise
        except (OSError, UnicodeEncodeError) as error:
            raise CommandError(f"This cannot be printed: {error}") from error
        return len(facts)

    async def ready(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(0)

    def end(self) -> None:
        """Nothing more comes."""
        self.over.set()


async def _play(terminal: Terminal, options: dict[str, Any]) -> None:
    """Raises: CommandError, NotDurable, StoreUnavailable, and whatever the player fails with."""
    deployment = parts.build()
    await deployment.open()
    try:
        begin, end = await _range(deployment.log, options)
        pace = Pace(options["speed"], options["max_gap_ms"])
        player = Player(deployment.log, options["room"], begin, end, pace, auditor=options["audit"])
        playing = asyncio.create_task(player.run(terminal))
        over = asyncio.create_task(terminal.over.wait())
        async with parts.hearing(deployment.log):
            done, _ = await asyncio.wait((playing, over), return_when=asyncio.FIRST_COMPLETED)
        playing.cancel()
        over.cancel()
        await asyncio.gather(playing, over, return_exceptions=True)
        if playing in done:
            playing.result()  # a player plays for ever: only a failure ends it
    finally:
        await deployment.close()


async def _range(log: Log, options: dict[str, Any]) -> tuple[int, int]:
    """The first and the last seq. Raises: CommandError, StoreUnavailable."""
    room, head = options["room"], await log.head(options["room"])
    if not head:
        raise CommandError(f"There is no room {room}.")
    begin = await _seq(log, room, "--from", options["begin"], since=True)
    end = head if options["end"] is None else await _seq(log, room, "--to", options["end"], since=False)
    if begin > head or end > head:
        raise CommandError(f"{room} has come to {head} only.")
    return max(1, begin), end


async def _seq(log: Log, room: str, name: str, wanted: str, *, since: bool) -> int:
    """Raises: CommandError."""
    try:
        return await seq_of(log, room, int(wanted) if wanted.isdecimal() else wanted, since=since)
    except ValueError as error:
        raise CommandError(f"{name}: {error}, or a seq.") from None


def line(fact: Fact) -> str:
    """An event as a line of record."""
    event = fact.event
    at = rfc3339(event.occurred_at).replace("T", " ")[:-1] if event else "-" * 23
    match event:
        case _ if fact.stub or event is None:
            words = f"({fact.stub or 'hidden'})"
        case MessagePosted(handle=handle, message=message):
            words = f"{handle}: {message}"
        case MessageEdited(message=message):
            words = f"({event.actor} edited {fact.recorded.subject}) {message}"
        case _:
            words = f"({event.actor}: {wire_name(fact.recorded.topic)} {fact.recorded.subject})"
    shown = printable(words, keep="\n")
    return f"{fact.recorded.seq:>6}  {at}  " + shown.replace("\n", "\n" + " " * 33)
