"""What comes back, as documented: the shapes of answers, and how they are sent.

The models are never filled at run time. Answers are encoded where they arise, and pages of history are the read
model's own bytes; tests hold every answer against these models.
"""

from typing import Any, Literal

import msgspec
from django.http import HttpResponse
from pydantic import BaseModel, ConfigDict, Field

from commands.handlers import Receipt

JSON = "application/json"
PERSON = "guest:3f9a1c0b7d2e4f68"
MESSAGE_ID = "01938a5c7b1e9d04c1f6a8b2e35d7f90"
SIGNED = "eyJwIjoiZ3Vlc3Q6M2Y5YTFjMGI3ZDJlNGY2OCJ9:1vMzQe:c2lnbmF0dXJl"
TIME = "2026-11-22T09:43:43.120Z"


class Answer(BaseModel):
    """What every documented answer has in common."""

    model_config = ConfigDict(extra="forbid")


def example(**members: Any) -> ConfigDict:
    """The configuration of an answer that shows this example in the documentation."""
    return ConfigDict(json_schema_extra={"examples": [members]})


class Guest(Answer):
    """A fresh guest, and the token by which they are known."""

    model_config = example(person=PERSON, token=SIGNED)

    person: str
    token: str = Field(description="For `Authorization: Bearer …`; it is the guest, so keep it")


class Done(Answer):
    """Where the command's event is; when it changed nothing, where its subject's last event is."""

    model_config = example(room="garden", seq=1, position=412)

    room: str
    seq: int
    position: int
    changed: Literal[False] | None = Field(None, description="Only there, and false, when nothing changed")


class Posted(Answer):
    """A message that is durable, and its place."""

    model_config = example(message_id=MESSAGE_ID, room="garden", seq=7, position=431, duplicate=False)

    message_id: str
    room: str
    seq: int
    position: int
    duplicate: bool = Field(description="Whether it had been posted before")


class Room(Answer):
    """A room as the directory knows it."""

    model_config = example(
        label="garden",
        title="The garden",
        topic="What grows, and when",
        visibility="public",
        archived=False,
        slow_mode_s=0,
        retain_days=0,
        owner=PERSON,
        opened_at=TIME,
        head_seq=7,
        message_count=6,
        last_message_at=TIME,
    )

    label: str
    title: str
    topic: str
    visibility: Literal["public", "private"]
    archived: bool
    slow_mode_s: int
    retain_days: int = Field(description="For how many days what is said is kept; 0: for ever")
    owner: str
    opened_at: str
    head_seq: int
    message_count: int
    last_message_at: str | None


class Rooms(Answer):
    """A page of the directory."""

    items: list[Room]
    next: str | None = Field(description="To be sent back as `after`; null on the last page")


class Author(Answer):
    """Who said it, and what they were called when they did."""

    id: str
    kind: Literal["guest", "user", "bot"]
    handle: str


class Message(Answer):
    """A message as it is now."""

    model_config = example(
        message_id=MESSAGE_ID,
        room="garden",
        seq=7,
        position=431,
        author={"id": PERSON, "kind": "guest", "handle": "ada"},
        message="The beans are up.",
        created_at=TIME,
        edited_at=None,
        redacted=False,
        reply_to=None,
        reactions={},
        seq_changed=7,
    )

    message_id: str
    room: str
    seq: int
    position: int
    author: Author
    message: str | None = Field(description="null when the message was redacted")
    created_at: str
    edited_at: str | None
    redacted: bool
    reply_to: str | None
    reactions: dict[str, int]
    seq_changed: int = Field(description="The last event that touched it")


class History(Answer):
    """Items by rising seq; `head_seq` and `position` are of the same moment, so subscribe from there on."""

    items: list[Message]
    found_oldest: bool
    found_newest: bool
    head_seq: int
    position: int
    as_of: int | None = Field(default=None, description="In a page of the past: the seq as of which it is")
    title: str | None = Field(default=None, description="In a page of the past: the room's title then")
    topic: str | None = Field(default=None, description="In a page of the past: the room's topic then")


class RoomEvent(Answer):
    """One event of a room's stream."""

    model_config = example(
        seq=1,
        position=412,
        event="room.opened",
        subject="rules",
        actor=PERSON,
        occurred_at=TIME,
        data={"title": "The garden", "visibility": "public"},
    )

    seq: int
    position: int
    event: str
    subject: str
    actor: str | None
    occurred_at: str | None
    data: dict[str, Any]
    stub: Literal["redacted", "erased", "hidden"] | None = Field(None, description="Why `data` is empty")
    request_id: str | None = Field(None, description="For auditors: the request that caused it")
    address: str | None = Field(None, description="For auditors: where that came from")
    client: str | None = Field(None, description="For auditors: what that program called itself")


class RoomEvents(Answer):
    """A part of a room's stream, by rising seq."""

    items: list[RoomEvent]
    head_seq: int
    read_to: int = Field(description="How far the stream was read: ask on with `after` = this")


class Rebuild(Answer):
    """How far a projection's version is that is made beside the one in use."""

    state: Literal["building", "comparing", "returning", "stopped"]
    position: int = Field(description="The last position that it has finished")
    target: int = Field(description="The position of the one in use")
    events_per_s: float
    eta_s: float | None = Field(description="Until it is where the one in use is now")
    began_at: str


class Projection(Answer):
    """How far one projection is."""

    model_config = example(
        name="history",
        position=431,
        lag_events=0,
        lag_s=0.0,
        heartbeat_age_s=0.4,
        parked=0,
        parked_rooms=[],
        rebuild=None,
    )

    name: str
    position: int = Field(description="Its checkpoint: the last position that it has finished")
    lag_events: int
    lag_s: float
    heartbeat_age_s: float | None = Field(description="Since whoever runs it last said so")
    parked: int = Field(description="How many rooms are set aside")
    parked_rooms: list[str] = Field(description="Those of them that you may see")
    rebuild: Rebuild | None


class Projections(Answer):
    """Every projection."""

    items: list[Projection]


def send_json(body: bytes, *, status: int = 200, private: bool = True) -> HttpResponse:
    """JSON that is ready to go. What is `private` may not be stored on the way, the rest only asked for anew."""
    response = HttpResponse(body, status=status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store" if private else "no-cache"
    return response


def done(receipt: Receipt, *, status: int = 200, location: str | None = None) -> HttpResponse:
    """The answer to a command that is not a message."""
    members: dict[str, Any] = {"room": receipt.room, "seq": receipt.seq, "position": receipt.position}
    if not receipt.changed:
        members["changed"] = False
    response = send_json(msgspec.json.encode(members), status=status)
    if location:
        response.headers["Location"] = location
    return response
