"""Every frame and close code of the WebSocket protocol `verbatim.v1`, declared.

A frame is a JSON object with a `type`; unknown fields are ignored. `docs/protocol.md` is generated from this page.
"""

from enum import IntEnum
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

SUBPROTOCOL = "verbatim.v1"
PAGE = 300
"""Events in one page of a backlog, and how many may follow before the client acknowledges them."""
MAX_FRAME_BYTES = 64 * 1024
MAX_NESTING = 32
MAX_ROOMS = 128
MAX_MALFORMED = 3
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser keeps exactly."""

Label = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,50}\Z", description="a room's label: 1 to 50 of A–Z, a–z, 0–9, _ and -")
]
Seq = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="a seq: an integer from 0")]
Text = Annotated[str, Meta(description="text")]
FrameId = (
    Annotated[str, Meta(max_length=64, description="text of at most 64 characters, or an integer")]
    | Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
)


class ClientFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What a client sends. A frame may carry an `id`, which its reply repeats."""

    id: FrameId | None = None


class Subscribe(ClientFrame, frozen=True, kw_only=True, tag="subscribe"):
    """Hear of every event of a room after the seq `after`; without it, of what comes from now on.

    The backlog comes in pages of 300 events. Subscribing again starts again.
    """

    room: Label
    after: Seq | None = None


class Unsubscribe(ClientFrame, frozen=True, kw_only=True, tag="unsubscribe"):
    """Hear no more of a room."""

    room: Label


class Ack(ClientFrame, frozen=True, kw_only=True, tag="ack"):
    """The page that ends with the event `seq` was received: send the next one. It has no answer."""

    room: Label
    seq: Seq


class Post(ClientFrame, frozen=True, kw_only=True, tag="post"):
    """Say something in a room. Sent again with the same `client_msg_id`, it is posted once."""

    room: Label
    message: Text
    client_msg_id: Text | None = None
    handle: Text | None = None
    reply_to: Text | None = None


class MessageFrame(ClientFrame, frozen=True, kw_only=True):
    """Something to be done about one message."""

    room: Label
    message_id: Text


class Edit(MessageFrame, frozen=True, kw_only=True, tag="edit"):
    """Say something else in place of what a message says; its author may."""

    message: Text


class Redact(MessageFrame, frozen=True, kw_only=True, tag="redact"):
    """Hide what a message says from readers, for good; its author and the room's owner may."""

    reason: Text | None = None


class React(MessageFrame, frozen=True, kw_only=True, tag="react"):
    """React to a message with an emoji. Twice is once."""

    emoji: Text


class Unreact(MessageFrame, frozen=True, kw_only=True, tag="unreact"):
    """Take your own reaction back."""

    emoji: Text


class Ping(ClientFrame, frozen=True, kw_only=True, tag="ping"):
    """Ask whether the server is there."""


class ServerFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What the server sends."""


class Reply(ServerFrame, frozen=True, kw_only=True):
    """What answers a client's frame, with the frame's `id` if it had one."""

    id: str | int | UnsetType = UNSET


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that a client does well to know."""

    message: int = 10_000
    client_msg_id: int = 64
    frame_bytes: int = MAX_FRAME_BYTES
    messages_per_s: int = 5
    messages_burst: int = 20
    rooms: int = MAX_ROOMS
    page: int = PAGE


class Welcome(ServerFrame, frozen=True, kw_only=True, tag="welcome"):
    """The first frame: who the server takes you for. A fresh guest gets a `token`, to be the same one again."""

    person: str
    handle: str
    token: str | UnsetType = UNSET
    limits: Limits


class Subscribed(Reply, frozen=True, kw_only=True, tag="subscribed"):
    """The subscription began: the events `after + 1` to `head` follow, then `caught_up`, then what comes."""

    room: str
    head: int
    after: int


class CaughtUp(ServerFrame, frozen=True, kw_only=True, tag="caught_up"):
    """Everything up to the `head` that `subscribed` named has been sent."""

    room: str
    seq: int


class Unsubscribed(Reply, frozen=True, kw_only=True, tag="unsubscribed"):
    """Nothing more comes from this room."""

    room: str


class Posted(Reply, frozen=True, kw_only=True, tag="posted"):
    """The message is durable. `duplicate`: it was already, from an earlier try."""

    room: str
    seq: int
    position: int
    message_id: str
    duplicate: bool


class Done(Reply, frozen=True, kw_only=True, tag="done"):
    """The change is durable. With `changed`, which is false: nothing had to change, and this is where it stands."""

    room: str
    seq: int
    position: int
    changed: Literal[False] | UnsetType = UNSET


class Pong(Reply, frozen=True, kw_only=True, tag="pong"):
    """The server is there."""


class EventFrame(ServerFrame, frozen=True, kw_only=True, tag="event"):
    """One event of a room, in order. `data` holds its fields; a `stub` has none, and says why."""

    room: str
    seq: int
    position: int
    event: str
    subject: str
    actor: str | None
    occurred_at: str | None
    data: dict[str, Any]
    stub: Literal["redacted", "erased", "hidden"] | UnsetType = UNSET


class Error(Reply, frozen=True, kw_only=True, tag="error"):
    """A frame was refused; the socket stays open. The codes are those of REST."""

    code: str
    message: str
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET


class Disconnect(ServerFrame, frozen=True, kw_only=True, tag="disconnect"):
    """The last frame before the server closes: whether to `reconnect`, and not before how many milliseconds."""

    code: int
    reason: str
    reconnect: bool
    retry_after_ms: int


class CloseCode(IntEnum):
    """Why the server closes a socket. 4000–4499 mean: reconnect; 4500–4999: do not."""

    reason: str

    def __new__(cls, code: int, reason: str) -> "CloseCode":
        """A member with its reason, which is its docstring too."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = member.__doc__ = reason
        return member

    SHUTTING_DOWN = 1001, "The server is shutting down."
    NOT_UTF8 = 1007, "A text frame was not UTF-8."
    TOO_LARGE = 1009, "A frame was larger than 64 KiB."
    INTERNAL = 1011, "Something went wrong on the server."
    RESTARTING = 4001, "The server is restarting."
    TOKEN_EXPIRED = 4005, "The token has expired: get a new one."
    SLOW = 4008, "Too much was left unread: reconnect and resume."
    TOO_MANY_REQUESTS = 4013, "Too many new connections at once: wait."
    BAD_REQUEST = 4501, "What was sent is not this protocol."
    NOT_SIGNED_IN = 4503, "Say who you are: send a token or the session cookie."
    TOO_MANY_CONNECTIONS = 4504, "Too many connections are open."
    UNKNOWN_PROTOCOL = 4506, "This subprotocol is not spoken here."
    BANNED = 4507, "Banned or removed from the room."

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back."""
        return self in (CloseCode.SHUTTING_DOWN, CloseCode.INTERNAL) or 4000 <= self < 4500


CLIENT_FRAMES: tuple[type[ClientFrame], ...] = (Subscribe, Unsubscribe, Ack, Post, Edit, Redact, React, Unreact, Ping)
SERVER_FRAMES: tuple[type[ServerFrame], ...] = (
    Welcome, Subscribed, CaughtUp, Unsubscribed, Posted, Done, Pong, EventFrame, Error, Disconnect,
)  # fmt: skip
