"""Messages: their ids, their state, and the decision to post one. Pure."""

import hashlib
import re
import secrets
import time
from collections.abc import Iterable

import msgspec

from commands.clock import Milliseconds
from commands.errors import Gone, IdempotencyMismatch, InvalidField
from commands.events import Cause, Event, MessageEdited, MessagePosted, MessageRedacted, Numbered
from commands.member import Membership, check_handle, check_may_take_part
from commands.rules import Rules, check_characters

MAX_MESSAGE = 10_000
MAX_CLIENT_MSG_ID = 64
MESSAGE_ID = re.compile(r"[0-9a-f]{32}")
UUID7 = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}",
    re.IGNORECASE,
)
ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE | re.ASCII)
_CROCKFORD = {c: i for i, c in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}


class PostMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Say something in a room. The same `client_msg_id` from the same person is the same message."""

    room: str
    message: str
    client_msg_id: str | None = None
    handle: str | None = None
    reply_to: str | None = None


class MessageState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one message as of `seq`, the last event about it; seq 0 was never posted.

    `text` is what it says now, `original` what it said at first: a retry of the post is compared with that; nothing is
    left of either where its author was erased, or its day is over. Only the first event about a message and the last
    one make a difference to it.
    """

    seq: int = 0
    position: int = 0
    posted: Numbered = Numbered(0, 0)
    posted_at: Milliseconds = 0
    author: str = ""
    original: str = ""
    text: str = ""
    redacted: bool = False
    reply_to: str | None = None

    @property
    def exists(self) -> bool:
        return self.seq > 0


def evolve(state: MessageState, at: Numbered, event: Event) -> MessageState:
    """The message after `event`, which was recorded there."""
    match event:
        case MessagePosted():
            return MessageState(
                seq=at.seq,
                position=at.position,
                posted=at,
                posted_at=event.occurred_at,
                author=event.actor,
                original=event.message,
                text=event.message,
                reply_to=event.reply_to,
            )
        case MessageEdited():
            return msgspec.structs.replace(state, seq=at.seq, position=at.position, text=event.message)
        case MessageRedacted():
            return msgspec.structs.replace(state, seq=at.seq, position=at.position, text="", redacted=True)
        case _:
            return state


def new_id() -> str:
    """The id of a message that its sender did not name: as if from a fresh UUIDv7; nobody can retry it."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def derive_id(room: str, author: str, client_msg_id: str) -> str:
    """The id of a message: 32 hex digits, the same for every retry.

    A UUIDv7 or ULID lends its 48 bits of milliseconds as a prefix, which keeps the store's index warm in one place;
    after it come 80 bits of a hash. Any other `client_msg_id` gives a hash of 128 bits: correct, slower to store.
    """
    digest = hashlib.sha256(f"{room}\0{author}\0{client_msg_id}".encode()).hexdigest()
    if UUID7.fullmatch(client_msg_id):
        return client_msg_id.replace("-", "")[:12].lower() + digest[:20]
    if ULID.fullmatch(client_msg_id):
        return f"{_ulid_ms(client_msg_id):012x}{digest[:20]}"
    return digest[:32]


def _ulid_ms(ulid: str) -> int:
    value = 0
    for letter in ulid[:10].upper():
        value = value * 32 + _CROCKFORD[letter]
    return value


def check_post(command: PostMessage) -> None:
    """Refuse what no room would take. Raises: InvalidField."""
    check_text(command.message)
    if command.handle is not None:
        check_handle(command.handle)
    if command.client_msg_id is not None:
        check_client_msg_id(command.client_msg_id)
    if command.reply_to is not None and not MESSAGE_ID.fullmatch(command.reply_to):
        raise InvalidField.of("reply_to", "a message id is 32 hex digits")


def check_text(text: str) -> None:
    """Whether a message may say this. Raises: InvalidField."""
    check_characters("message", text)
    if not text.strip():
        raise InvalidField.of("message", "say something")
    if len(text) > MAX_MESSAGE:
        raise InvalidField.of("message", f"use at most {MAX_MESSAGE} characters")


def check_message_id(message_id: str) -> None:
    """Raises: InvalidField."""
    if not MESSAGE_ID.fullmatch(message_id):
        raise InvalidField.of("message_id", "a message id is 32 hex digits")


def check_client_msg_id(client_msg_id: str) -> None:
    """Raises: InvalidField."""
    check_characters("client_msg_id", client_msg_id)
    if not 1 <= len(client_msg_id) <= MAX_CLIENT_MSG_ID:
        raise InvalidField.of("client_msg_id", f"use 1 to {MAX_CLIENT_MSG_ID} characters")


def post(
    rules: Rules,
    membership: Membership,
    replied_to: MessageState | None,
    command: PostMessage,
    message_id: str,
    handle: str,
    cause: Cause,
) -> Iterable[Event]:
    """Decide `PostMessage` for a message that does not exist yet.

    Raises: NotFound, Banned, Archived, InvalidField when it replies to nothing.
    """
    check_may_take_part(rules, membership, cause)
    if command.reply_to is not None and not (replied_to and replied_to.exists):
        raise InvalidField.of("reply_to", "there is no such message in this room")
    yield MessagePosted(
        **cause.stamp(),
        message_id=message_id,
        message=command.message,
        handle=handle,
        reply_to=command.reply_to,
        client_msg_id=command.client_msg_id,
    )


def check_same(state: MessageState, command: PostMessage) -> None:
    """A retry must say the same as the first time. Raises: IdempotencyMismatch, Gone when nothing is left of that."""
    check_left(state)
    if (state.original, state.reply_to) != (command.message, command.reply_to):
        raise IdempotencyMismatch


def without_words(state: MessageState) -> MessageState:
    """What is left of a message whose day is over."""
    return msgspec.structs.replace(state, original="", text="")


def check_left(state: MessageState) -> None:
    """Raises: Gone when its author was erased, or its day is over."""
    if not state.original:
        raise Gone
