"""Every frame that the server sends in `verbatim.v1`: a JSON object with a `type`."""

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from realtime.protocol import MAX_FRAME_BYTES, MAX_ROOMS, PAGE


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
    """The first frame: who the server takes you for. A fresh guest gets a `token`, to be the same one again.

    `erasures` rises whenever something is to be forgotten. When it has while you were away, read again what you show.
    """

    person: str
    handle: str
    token: str | UnsetType = UNSET
    erasures: int
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


class Replaying(Reply, frozen=True, kw_only=True, tag="replaying"):
    """How a replay stands: `seq` is the last event before the next one. Without an `id`: it has come to its end."""

    room: str
    state: Literal["playing", "paused", "ended", "stopped"]
    seq: int
    to: int
    speed: float


class Pong(Reply, frozen=True, kw_only=True, tag="pong"):
    """The server is there."""


class EventFrame(ServerFrame, frozen=True, kw_only=True, tag="event"):
    """One event of a room, in order. `data` holds its fields; a `stub` has none, and says why.

    With `replay`, which is true: one of the past, from a replay, in an order of its own.
    """

    room: str
    seq: int
    position: int
    event: str
    subject: str
    actor: str | None
    occurred_at: str | None
    data: dict[str, Any]
    stub: Literal["redacted", "erased", "hidden"] | UnsetType = UNSET
    replay: Literal[True] | UnsetType = UNSET


class Somebody(msgspec.Struct, frozen=True, kw_only=True):
    """A person, and what they are called by default."""

    person: str
    handle: str


class Erased(ServerFrame, frozen=True, kw_only=True, tag="erased"):
    """Forget: nothing that this `person` said in the room, and no name of theirs, is to be shown any more.

    Or, where there is `before`, nothing that anybody said there before that time. It is no event of the room, has no
    seq, and comes to whoever listens at that time.
    """

    room: str
    person: str | UnsetType = UNSET
    before: str | UnsetType = UNSET


class PresenceFrame(ServerFrame, frozen=True, kw_only=True, tag="presence"):
    """Who is in a room: `count` people, of whom the 100 who have been there longest are `present`, in that order.

    It comes once a socket has caught up, and after changes: at most once a second, in a room of thousands more rarely.
    A person with several sockets is there once, and a few seconds longer than the last of them.
    """

    room: str
    present: list[Somebody]
    count: int


class TypingFrame(ServerFrame, frozen=True, kw_only=True, tag="typing"):
    """Who types in a room, at most ten; nobody any more, when `who` is empty. It comes at most once a second.

    Whoever types gets it only if somebody else does or did.
    """

    room: str
    who: list[Somebody]


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


SERVER_FRAMES: tuple[type[ServerFrame], ...] = (
    Welcome, Subscribed, CaughtUp, Unsubscribed, Posted, Done, Replaying, Pong, EventFrame, Erased,
    PresenceFrame, TypingFrame, Error, Disconnect,
)  # fmt: skip
