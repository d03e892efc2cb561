"""Every form in which an event was ever stored, with the event that it must be read as.

To add one: put it in FORMS and run `.venv/bin/python -m tests.commands.forms`, which writes what is missing to
fixtures/ and never touches what is there. A stored form is never changed or removed.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from pathlib import Path

from commands.days import day_key, day_of
from commands.events import (
    Cause,
    Event,
    MemberBanned,
    MemberUnbanned,
    MessageEdited,
    MessagePosted,
    MessageRedacted,
    ReactionAdded,
    ReactionRemoved,
    RoomChanged,
    RoomOpened,
)
from commands.people import (
    CommandRefused,
    PersonErased,
    PersonHeld,
    PersonReleased,
    RoomExpired,
    RoomHeld,
    RoomReleased,
)
from commands.store import Recorded
from tests.cast import ADA, GENERAL, GRACE, NOON
from tests.commands.vault import MemoryVault, mapper

FOLDER = Path(__file__).with_name("fixtures")
MESSAGE = "019ab3c45d6e0123456789abcdef0123"
STAMP = Cause(ADA, NOON, "req-1", "192.0.2.7", "curl/8").stamp()

FORMS: dict[str, Event] = {
    "room.opened": RoomOpened(**STAMP, title="Everybody", visibility="private"),
    "room.changed": RoomChanged(**STAMP, title="All", topic="Tea 🫖", archived=False, slow_mode_s=5),
    "message.posted": MessagePosted(
        **STAMP,
        message_id=MESSAGE,
        message="Über dem Nebel 🫖",
        handle="Ada L.",
        reply_to="019ab3c45d6d0123456789abcdef0123",
        client_msg_id="019ab3c4-5d6e-7f80-8a1b-2c3d4e5f6071",
    ),
    "message.edited": MessageEdited(**STAMP, message_id=MESSAGE, message="Über den Wolken 🫖"),
    "message.redacted": MessageRedacted(**STAMP, message_id=MESSAGE, reason="Too personal"),
    "reaction.added": ReactionAdded(**STAMP, message_id=MESSAGE, emoji="👩🏽‍🚀"),
    "reaction.removed": ReactionRemoved(**STAMP, message_id=MESSAGE, emoji="👩🏽‍🚀"),
    "member.banned": MemberBanned(**STAMP, person=GRACE, until=NOON + 1, reason="spam"),
    "member.unbanned": MemberUnbanned(**STAMP, person=GRACE),
    "person.erased": PersonErased(**STAMP, person=GRACE, reason="asked for it"),
    "person.held": PersonHeld(**STAMP, person=GRACE, reason="Case 12-345"),
    "person.released": PersonReleased(**STAMP, person=GRACE, reason="closed"),
    "room.held": RoomHeld(**STAMP, room=GENERAL, reason="Case 12-345"),
    "room.released": RoomReleased(**STAMP, room=GENERAL, reason="closed"),
    "room.expired": RoomExpired(**STAMP, room=GENERAL, since="2026-11-20", before="2026-11-21"),
    "command.refused": CommandRefused(
        **STAMP, refusal_id="0" * 32, room=GENERAL, command="PostMessage", code="banned", count=3
    ),
}


DATED = {topic: FORMS[topic] for topic in ("message.posted", "room.changed")}
"""Those that are stored as in a room which keeps what is said for some days, too: sealed twice."""


def keys() -> MemoryVault:
    """The wrapped keys of those whose events are stored here."""
    return MemoryVault(
        {person: b64decode(key) for person, key in json.loads((FOLDER / "keys.json").read_text()).items()}
    )


def stored(topic: str, folder: Path = FOLDER) -> Recorded:
    """The row as it was stored."""
    row = json.loads((folder / f"{topic}.json").read_text())
    return Recorded(**row | {"state": row["state"].encode()})


async def write_missing() -> None:
    """Seal and store every form that has no fixture yet."""
    vault = keys() if (FOLDER / "keys.json").exists() else MemoryVault()
    sealing = mapper(vault)
    for folder, forms, day in ((FOLDER, FORMS, ""), (FOLDER / "dated", DATED, day_of(NOON))):
        folder.mkdir(exist_ok=True)
        for topic, event in forms.items():
            path = folder / f"{topic}.json"
            if not path.exists():
                await sealing.keyring.ensure(event.actor, *([day_key(GENERAL, day)] if day else []))
                form = sealing.seal(GENERAL, event, day)
                row = Recorded(107, GENERAL, 7, form.topic, form.subject, form.state)
                write(path, row._asdict() | {"state": row.state.decode()})
    write(FOLDER / "keys.json", {person: b64encode(key or b"").decode() for person, key in vault.keys.items()})


def write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    asyncio.run(write_missing())
