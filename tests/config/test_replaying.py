"""`manage.py replay`: a room in the terminal."""

import asyncio
import io
import json
from pathlib import Path

import django
import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from commands.amending import EditMessage, RedactMessage
from commands.handlers import Command, Handlers
from commands.identity import Caller
from commands.message import PostMessage
from commands.subscription import Fact
from commands.writer import Writer
from config import parts
from config.management.commands import replay
from tests.cast import ADA, GENERAL

django.setup()

FAST = ("--speed", "1000", "--max-gap-ms", "0")


@pytest.fixture(autouse=True)
def deployment(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A room with an edit, a redaction, and a message that would like to command the terminal."""
    settings.ON_SQLITE = True
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(tmp_path / "verbatim.sqlite3"))
    asyncio.run(_talk())


async def _talk() -> None:
    deployment = parts.build()
    await deployment.open()
    writer = Writer(deployment.store, lambda _: None)
    writer.start()
    handlers = Handlers(deployment.store, deployment.mapper, writer, limits=False)

    async def do(command: Command) -> str:
        receipt = await handlers.handle(command, Caller(person=ADA, handle="ada", request_id="r"))
        return receipt.message_id or ""

    first = await do(PostMessage(room=GENERAL, message="helo\nworld"))
    secret = await do(PostMessage(room=GENERAL, message="a secret"))
    await do(EditMessage(room=GENERAL, message_id=first, message="hello"))
    await do(RedactMessage(room=GENERAL, message_id=secret))
    await do(PostMessage(room=GENERAL, message="\x9b31m red 🫖"))
    await writer.close()
    await deployment.close()


def play(*options: str, room: str = GENERAL) -> list[str]:
    """What is printed."""
    out = io.StringIO()
    call_command("replay", room, *FAST, *options, stdout=out)
    return out.getvalue().splitlines()


def test_every_event_is_a_line_and_what_was_redacted_says_so() -> None:
    opened, first, second_line, secret, edited, redacted, last = play()
    assert opened.split()[0] == "1"
    assert first.endswith("ada: helo")
    assert second_line == " " * 33 + "world"
    assert secret.endswith("(redacted)")
    assert edited.endswith(") hello")
    assert "message.redacted" in redacted
    assert last.endswith("ada: \\x9b31m red 🫖")


def test_an_audit_shows_what_was_redacted() -> None:
    assert [line for line in play("--audit") if "a secret" in line]


def test_a_part_is_named_by_seqs_or_times() -> None:
    assert [line.split()[0] for line in play("--from", "5", "--to", "6")] == ["5", "6"]
    assert play("--from", "2000-01-01T00:00:00Z", "--to", "2000-01-02T00:00:00Z") == []
    assert len(play("--from", "2000-01-01T00:00:00Z")) == 7


def test_json_lines_are_what_a_socket_sends() -> None:
    frames = [json.loads(line) for line in play("--json")]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4, 5, 6]
    assert {frame["type"] for frame in frames} == {"event"}


@pytest.mark.parametrize(
    "options",
    [
        ("--speed", "0"),
        ("--speed", "1001"),
        ("--max-gap-ms", "-1"),
        ("--from", "7"),
        ("--to", "7"),
        ("--from", "yesterday"),
        ("--to", "2026-11-22"),
    ],
)
def test_what_cannot_be_played_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        play(*options)


def test_a_room_that_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no room nowhere"):
        play(room="nowhere")


class Full(io.StringIO):
    """A disk without room for what is written after the first line."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        if self.getvalue():
            raise self._error
        return super().write(text)


def played_to(error: Exception) -> tuple[str, str]:
    """What is printed where printing fails so after the first line, and what is said of it."""
    out, said = Full(error), io.StringIO()
    call_command("replay", GENERAL, *FAST, stdout=out, stderr=said)
    return out.getvalue(), said.getvalue()


@pytest.mark.parametrize("error", [OSError("No space left"), UnicodeEncodeError("ascii", "🫖", 0, 1, "not in range")])
def test_what_cannot_be_printed_fails(error: Exception) -> None:
    with pytest.raises(CommandError, match=r"cannot be printed: .*(No space left|not in range)"):
        played_to(error)


def test_it_stops_when_nobody_reads_on() -> None:
    printed, said = played_to(BrokenPipeError())
    assert (len(printed.splitlines()), said) == (1, "Stopped.\n")


def test_a_player_that_fails_is_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(fact: Fact) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(replay, "line", fails)
    with pytest.raises(ZeroDivisionError):
        play()
