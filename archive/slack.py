"""Slack: its export of a workspace, a folder or zip file with a folder of days for each channel.

Public channels and private ones (groups.json) become rooms; direct messages are left out: there are no rooms of two.
What Slack does not tell stays unknown: the text before an edit, the time of a reaction, the text of what was deleted.
"""

import html
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import emoji
import msgspec
from msgspec import field

from archive.retold import Retold
from archive.sources import Damaged, Labels, Source, decode, emoji_of, person_of
from commands.events import Visibility
from commands.restoring import Decided

SOURCE = "slack"
_NO_ZIP_FILE = (OSError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What reading one raises that is damaged, encrypted, or packed in another way."""
_LINK = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
_LEFT_OUT = frozenset(
    {"channel_join", "channel_leave", "group_join", "group_leave", "channel_purpose", "channel_archive"}
)


class Profile(msgspec.Struct):
    """How somebody is called."""

    display_name: str = ""
    real_name: str = ""


class User(msgspec.Struct):
    """A member of the workspace."""

    id: str
    name: str = ""
    profile: Profile = field(default_factory=Profile)

    @property
    def handle(self) -> str:
        return self.profile.display_name or self.profile.real_name or self.name


class Topic(msgspec.Struct):
    """What a channel is about."""

    value: str = ""


class Channel(msgspec.Struct):
    """A channel, and the folder of the same name."""

    name: str
    creator: str = ""
    created: int = 0
    topic: Topic = field(default_factory=Topic)


class Reaction(msgspec.Struct):
    """An emoji, and who reacted with it."""

    name: str
    users: list[str] = []


class Edited(msgspec.Struct):
    """Who edited a message last, and when."""

    ts: str
    user: str = ""

    def __post_init__(self) -> None:
        """Raises: ValueError for what is no time."""
        _ms(self.ts)


class Message(msgspec.Struct):
    """What happened in a channel: something was said, or its `subtype`."""

    ts: str
    type: str = "message"
    subtype: str = ""
    user: str = ""
    bot_id: str = ""
    username: str = ""
    text: str = ""
    topic: str = ""
    thread_ts: str | None = None
    edited: Edited | None = None
    reactions: list[Reaction] = []
    files: list[dict[str, Any]] = []

    def __post_init__(self) -> None:
        """Raises: ValueError for what is no time."""
        _ms(self.ts)


class Slack(Source):
    """A workspace as a source of events, channel by channel."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        try:
            self._folder: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
        except (OSError, zipfile.BadZipFile):
            raise Damaged(f"{path} is no folder, and no zip file") from None
        self._users: Mapping[str, User] = {}

    def decided(self) -> Iterator[Decided]:
        """Every event, channel by channel. Raises: Damaged, with the file."""
        self.skipped.clear()
        self._users = {user.id: user for user in self._read("users.json", list[User])}
        labels = Labels()
        kinds: tuple[tuple[str, Visibility], ...] = (("channels.json", "public"), ("groups.json", "private"))
        for name, visibility in kinds:
            for channel in self._read(name, list[Channel], optional=visibility == "private"):
                yield from self._channel(channel, labels.give(channel.name), visibility)
        for name in ("dms.json", "mpims.json"):
            self.skipped["direct conversations"] += len(self._read(name, list[dict[str, Any]], optional=True))

    def _channel(self, channel: Channel, label: str, visibility: Visibility) -> Iterator[Decided]:
        room: Retold | None = None
        for message in self._messages(channel):
            if room is None:
                owner = person_of(SOURCE, channel.creator or message.user)
                room = Retold(SOURCE, label, owner, self.skipped)
                opened_at = min(channel.created * 1000 or _ms(message.ts), _ms(message.ts))
                yield from room.open(opened_at, channel.name, visibility=visibility)
                if channel.topic.value and not channel.topic.value.isspace():
                    yield from room.change(opened_at, owner, topic=self._plain(channel.topic.value))
            yield from self._message(room, message)
        if room:
            yield from room.catch_up()

    def _messages(self, channel: Channel) -> Iterator[Message]:
        folder = self._folder / channel.name
        days = sorted(each.name for each in folder.iterdir() if each.name.endswith(".json")) if folder.is_dir() else []
        for day in days:
            messages = self._read(f"{channel.name}/{day}", list[Message])
            yield from sorted(messages, key=lambda message: (_ms(message.ts), message.ts))

    def _message(self, room: Retold, message: Message) -> Iterator[Decided]:
        at, who, subtype = _ms(message.ts), self._who(message), message.subtype
        person = person_of(SOURCE, who)
        if subtype in ("channel_topic", "group_topic"):
            yield from room.change(at, person, topic=self._plain(message.topic))
            return
        text = self._said(message)
        if subtype in _LEFT_OUT or message.type != "message" or not (text or subtype == "tombstone"):
            self.skipped[subtype or "empty messages"] += 1
            return
        handle = message.username or (self._users[who].handle if who in self._users else who)
        yield from room.post(at, message.ts, person, handle, text, reply_to=message.thread_ts)
        if subtype == "tombstone":
            yield from room.redact(at, message.ts, person)
            return
        for reaction in message.reactions:
            for user in reaction.users:
                yield from room.react(at, message.ts, person_of(SOURCE, user), _emoji(reaction.name))
        if edited := message.edited:
            room.later(_ms(edited.ts), lambda: room.edit(_ms(edited.ts), message.ts, person, text))

    def _who(self, message: Message) -> str:
        return message.user or message.bot_id or message.username or "nobody"

    def _said(self, message: Message) -> str:
        """The text, and the names of files, which are not in the export."""
        if message.subtype == "tombstone":
            return ""
        files = [f"[file: {each.get('title') or each.get('name') or each.get('id', '')}]" for each in message.files]
        return "\n".join(filter(None, [self._plain(message.text), *files]))

    def _plain(self, text: str) -> str:
        """Slack's markup as people would write it."""
        return html.unescape(_LINK.sub(self._link, text))

    def _link(self, found: re.Match[str]) -> str:
        kind, target, label = found.groups()
        if kind == "@":
            name = self._users[target].handle if target in self._users else target
            return f"@{label or name}"
        if kind == "#":
            return f"#{label or target}"
        if kind == "!":
            return label or f"@{target.partition('^')[0]}"
        return target if not label or label == target else f"{label} ({target})"

    def _read[T](self, name: str, kind: type[list[T]], *, optional: bool = False) -> list[T]:
        """Raises: Damaged."""
        file = self._folder / name
        if not file.is_file():
            if optional:
                return []
            raise Damaged(f"{name} is missing")
        try:
            data = file.read_bytes()
        except _NO_ZIP_FILE as error:
            raise Damaged(f"{name}: {error}") from None
        return decode(data, kind, name)


def _ms(ts: str) -> int:
    """Slack's time, which is also a message's id: seconds with six decimals. Raises: ValueError."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * 1000 + int(fraction[:3].ljust(3, "0"))


def _emoji(name: str) -> str:
    """A reaction by Slack's name for it, which may have a skin tone."""
    plain, _, tone = name.partition("::")
    known = emoji.emojize(f":{plain}:", language="alias")
    if tone:
        known += emoji.emojize(f":{_TONES.get(tone, '')}:") if tone in _TONES else ""
    return emoji_of(name, known)


_TONES = {
    "skin-tone-2": "light_skin_tone",
    "skin-tone-3": "medium-light_skin_tone",
    "skin-tone-4": "medium_skin_tone",
    "skin-tone-5": "medium-dark_skin_tone",
    "skin-tone-6": "dark_skin_tone",
}
