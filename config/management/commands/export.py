"""`manage.py export ROOM|--all`: a room, or everything, as a file, with all that auditors may see."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from archive.exporting import TYPES, Exports
from archive.part import Part
from commands.clock import Milliseconds, moment
from commands.errors import AfterBeyondHead, NotFound, ProjectionBehind, Refusal
from commands.store import NotDurable, StoreUnavailable
from config import parts, starting
from config.garbage import collected_seldom
from projections.queries import Queries

AT_ONCE = 2000
"""Events that are read and written at a time: nobody else waits."""


class Command(BaseCommand):
    """Export a room, or everything."""

    help = "Write a room, or everything, to a file: NDJSON (complete, to be verified and imported), CSV or HTML."

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what to export, as of when, and where to."""
        parser.add_argument("room", nargs="?", help="the room's label")
        parser.add_argument("--all", action="store_true", help="every room, by position (NDJSON)")
        parser.add_argument("--format", choices=TYPES, default="ndjson")
        parser.add_argument("--as-of", help="a seq or an RFC 3339 time; with --all a time")
        parser.add_argument("--output", type=Path, help="a file; standard output if left out")
        parser.add_argument("--as-reader", action="store_true", help="only what readers may see")
        parser.add_argument(
            "--content", action="store_true", help="only what is the same on every server with these events (NDJSON)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises: CommandError for what cannot be exported."""
        _check(options)
        starting.check_database(wait_s=0)
        try:
            with collected_seldom(), _opened(options["output"]) as file:
                uvloop.run(_export(file, options))
        except ProjectionBehind as error:
            raise CommandError(
                "The history has not come that far: start `manage.py serve`, or runprojections, and try again. "
                "NDJSON needs no history."
            ) from error
        except (Refusal, NotDurable, StoreUnavailable) as error:
            raise CommandError(str(error)) from error
        except BrokenPipeError:
            raise CommandError("Whoever read the export has gone.") from None
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror}") from error
        if options["output"]:
            self.stderr.write(f"Written to {options['output']}.")


def _check(options: dict[str, Any]) -> None:
    """Raises: CommandError for options that do not go together."""
    if bool(options["room"]) == options["all"]:
        raise CommandError("Name a room, or say --all.")
    if options["all"] and (options["format"] != "ndjson" or options["as_reader"]):
        raise CommandError("--all is for auditors, and for NDJSON.")
    if options["content"] and (options["format"] != "ndjson" or options["as_reader"]):
        raise CommandError("--content is for auditors, and for NDJSON.")


async def _export(file: BinaryIO, options: dict[str, Any]) -> None:
    """Raises: CommandError, Refusal, NotDurable, StoreUnavailable, OSError."""
    deployment = parts.build()
    await deployment.open()
    queries = Queries(deployment.log)
    await queries.open()
    try:
        exports = Exports(deployment.log, queries, settings.SIGNING_KEY, at_once=AT_ONCE)
        part = await _part(exports, options)
        pieces = exports.write_content(part) if options["content"] else exports.write(part, options["format"])
        async with parts.hearing(deployment.log):
            await _write(file, pieces)
    finally:
        await queries.close()
        await deployment.close()


async def _part(exports: Exports, options: dict[str, Any]) -> Part:
    """Raises: CommandError, Unavailable."""
    as_of, as_of_time = _moment(options["as_of"])
    if options["all"]:
        if as_of is not None:
            raise CommandError("--as-of: with --all, use a time: every room has its own seqs.")
        return await exports.of_everything(as_of_time=as_of_time)
    room, auditor = options["room"], not options["as_reader"]
    try:
        return await exports.of_room(room, as_of=as_of, as_of_time=as_of_time, auditor=auditor)
    except NotFound:
        raise CommandError(f"There is no room {room}.") from None
    except AfterBeyondHead:
        raise CommandError(f"{room} has not come to {as_of} yet.") from None


async def _write(file: BinaryIO, pieces: AsyncGenerator[bytes]) -> None:
    """Nobody else is served by this process: writing may wait for the disk."""
    async for piece in pieces:
        file.write(piece)


def _moment(text: str | None) -> tuple[int | None, Milliseconds | None]:
    """A seq or a time. Raises: CommandError."""
    if text is None:
        return None, None
    if text.isdecimal():
        return int(text), None
    try:
        return None, moment(text)
    except ValueError as error:
        raise CommandError(f"--as-of: {error}, or a seq.") from None


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """Where to write; a file is there under its name once it is whole. Nobody but its owner may read it."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    unfinished = output.with_name(f"{output.name}.part")
    try:
        with open(unfinished, "wb", opener=_for_its_owner) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(output)
    finally:
        unfinished.unlink(missing_ok=True)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
