"""Every frame that a client of `verbatim.v1` sends: a JSON object with a `type`. Unknown fields are ignored."""

import msgspec

from realtime.protocol import FrameId, Gap, Label, Moment, Seq, Speed, Text


class ClientFrame(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What a client sends. A frame may carry an `id`, which its reply repeats."""

    id: FrameId | None = None


class Subscribe(ClientFrame, frozen=True, kw_only=True, tag="subscribe"):
    """Hear of every event of a room after the seq `after`; without it, of what comes from now on.

    The backlog comes in pages of 300 events. Subscribing again starts again. Who is live and does not keep up gets what
    they miss as they read on: each event once, in order, and no page of it is to be acknowledged.
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


class Typing(ClientFrame, frozen=True, kw_only=True, tag="typing"):
    """Somebody types in a room to which this socket listens, and where they may post. It has no answer.

    Send it again every few seconds: without that it ends after five, or when they post or leave. A socket may send two
    a second, and ten at once.
    """

    room: Label


class Read(ClientFrame, frozen=True, kw_only=True, tag="read"):
    """Somebody has read a room, to which this socket listens, up to `seq`. It has no answer.

    So far nobody is told, and nothing is kept.
    """

    room: Label
    seq: Seq


class ReplayFrame(ClientFrame, frozen=True, kw_only=True):
    """Something to be done about a room's replay. `replaying` answers it."""

    room: Label


class Replay(ReplayFrame, frozen=True, kw_only=True, tag="replay"):
    """Play a room's past again, with the pauses that were between its events; the live ones come beside it.

    `from` and `to` are seqs or times, both included; without `to` it goes on to the room's head. It runs `speed` times
    as fast as it happened, and no pause is longer than `max_gap_ms`. Asked again, it begins again.
    """

    from_: Moment = msgspec.field(name="from")
    to: Moment | None = None
    speed: Speed = 1.0
    max_gap_ms: Gap = 5000


class Pause(ReplayFrame, frozen=True, kw_only=True, tag="pause"):
    """Hold the replay."""


class Resume(ReplayFrame, frozen=True, kw_only=True, tag="resume"):
    """Let the replay go on, from here with another `speed` if there is one."""

    speed: Speed | None = None


class Seek(ReplayFrame, frozen=True, kw_only=True, tag="seek"):
    """Go on with the event `seq`, or with the first one since the time `to` (which may be a seq as well)."""

    seq: Seq | None = None
    to: Moment | None = None


class Stop(ReplayFrame, frozen=True, kw_only=True, tag="stop"):
    """End the replay."""


class Ping(ClientFrame, frozen=True, kw_only=True, tag="ping"):
    """Ask whether the server is there."""


CLIENT_FRAMES: tuple[type[ClientFrame], ...] = (
    Subscribe,
    Unsubscribe,
    Ack,
    Post,
    Edit,
    Redact,
    React,
    Unreact,
    Typing,
    Read,
    Replay,
    Pause,
    Resume,
    Seek,
    Stop,
    Ping,
)
