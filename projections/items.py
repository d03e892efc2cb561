"""A message as REST sends it, and what each event about it makes of it. Pure."""

from collections.abc import Container

import msgspec

from commands.clock import rfc3339
from commands.events import Event, MessageEdited, MessagePosted, MessageRedacted, ReactionAdded, ReactionRemoved
from commands.subscription import Fact
from projections.projection import CannotApply


class Author(msgspec.Struct, frozen=True, gc=False):
    """Who wrote a message, and what they were called in it."""

    id: str
    kind: str
    handle: str


class Item(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message as REST sends it; the field order is the contract's."""

    message_id: str
    room: str
    seq: int
    position: int
    author: Author
    message: str | None
    created_at: str
    edited_at: str | None = None
    redacted: bool = False
    reply_to: str | None = None
    reactions: dict[str, int] = {}
    seq_changed: int


_CHANGES = (MessageEdited, MessageRedacted, ReactionAdded, ReactionRemoved)
"""A tuple: of all events of a log this is asked, and of a union it would take three times as long."""

encode = msgspec.json.Encoder().encode
_ID_AT = len(b'{"message_id":"')
decode = msgspec.json.Decoder(Item).decode


def posted(fact: Fact, event: MessagePosted) -> Item:
    """A message as it was posted; one of a person who was erased says nothing."""
    erased = fact.stub == "erased"
    return Item(
        message_id=event.message_id,
        room=fact.recorded.stream,
        seq=fact.recorded.seq,
        position=fact.recorded.position,
        author=Author(event.actor, event.actor.partition(":")[0], "" if erased else event.handle),
        message=None if erased else event.message,
        created_at=rfc3339(event.occurred_at),
        redacted=erased,
        reply_to=event.reply_to,
        seq_changed=fact.recorded.seq,
    )


def id_of(encoded: bytes) -> str:
    """The message's id, without decoding the rest: it is 32 hex digits, in the first field."""
    return encoded[_ID_AT : _ID_AT + 32].decode()


def without_text(item: Item) -> Item:
    """The same message, not telling what it says."""
    return msgspec.structs.replace(item, message=None)


def without_person(item: Item) -> Item:
    """What is left of a message, or of one of the past, when its author was erased."""
    nameless = msgspec.structs.replace(item.author, handle="")
    return msgspec.structs.replace(item, author=nameless, message=None, redacted=True)


def forgotten(encoded: bytes, erased: Container[str], before: str) -> bytes:
    """The same item, which says nothing if its author was erased, or it is from before a time (RFC 3339)."""
    item = decode(encoded)
    return encode(without_person(item)) if item.author.id in erased or item.created_at < before else encoded


def is_before(encoded: bytes, time: str) -> bool:
    """Whether a message was posted before a time (RFC 3339)."""
    return decode(encoded).created_at < time


def is_redacted(encoded: bytes) -> bool:
    """Whether it was redacted. Nothing is decoded for it: within a text every quotation mark is escaped."""
    return b'"redacted":true,"reply_to":' in encoded


def text_of(encoded: bytes) -> bytes:
    """What a message says, as JSON; `null` where it says nothing."""
    return encoded.partition(b'"message":')[2].partition(b',"created_at":"')[0]


def with_text(encoded: bytes, text: bytes) -> bytes:
    """A message that does not tell what it says, with what it said (JSON)."""
    before, _, after = encoded.partition(b'"message":null')
    return b'%b"message":%b%b' % (before, text, after)


def hidden(encoded: bytes) -> bytes:
    """The same message without what it says: it was redacted after the history looked."""
    return encode(msgspec.structs.replace(decode(encoded), message=None, redacted=True))


def changed_by(event: Event | None) -> str | None:
    """The id of the message that an event changes, if it changes one."""
    return event.message_id if isinstance(event, _CHANGES) else None


def change(item: Item, fact: Fact) -> Item:
    """The message after one more event about it. Raises: CannotApply."""
    item = msgspec.structs.replace(item, seq_changed=fact.recorded.seq)
    match fact.event:
        case MessageEdited() as edited:
            text = None if fact.stub == "erased" or item.redacted else edited.message
            return msgspec.structs.replace(item, message=text, edited_at=rfc3339(edited.occurred_at))
        case MessageRedacted():
            return msgspec.structs.replace(item, message=None, redacted=True)
        case ReactionAdded() as added:
            return _count(item, added.emoji, 1)
        case ReactionRemoved() as removed:
            return _count(item, removed.emoji, -1)
        case _:
            return item


def _count(item: Item, emoji: str, by: int) -> Item:
    """Decisions see to it that each person's reaction is added once, and removed once."""
    count = item.reactions.get(emoji, 0) + by
    if count < 0:
        raise CannotApply(f"a reaction to {item.message_id} was removed that is not there")
    reactions = {**item.reactions, emoji: count}
    if not count:
        del reactions[emoji]
    return msgspec.structs.replace(item, reactions=reactions)
