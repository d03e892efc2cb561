"""What is personal in an event is sealed: encrypted with a key of that person's own (AES-256-GCM).

A stored event is JSON with its plain fields and one field `sealed`: 12 bytes of nonce and the ciphertext of the
personal fields as JSON. Stream, actor and subject are its associated data, so that a sealed text cannot be moved to
another message, person or room. Keys are wrapped by the master key and durable before anything is sealed with them.
Destroying a key erases its person from the log without changing a stored byte.
"""

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.erasures import Erasures
from commands.events import TOPICS, UPCASTERS, Event, revive
from commands.keyring import NONCE_BYTES, Keyring
from commands.people import ERASED, person_of
from commands.store import NewEvent, Recorded

MAX_FRESH = 2048
"""Events that a process sealed itself and will soon meet again: its hubs and projections need not open them."""
_json = msgspec.json.Encoder()


class Fact(NamedTuple):
    """A recorded event, opened.

    `stub` says why readers get less than the event: its person was `erased` (the event is there, what was personal in
    it is empty), its message was `redacted` (the event is there in full, for those who build on it), or it is `broken`
    (there is no event).
    """

    recorded: Recorded
    event: Event | None
    stub: Literal["", "erased", "broken", "redacted", "hidden"] = ""


class Mapper:
    """Turns events into stored form and back, sealing and opening what is personal.

    To open is to forget: a person whose erasure is among the events is forgotten before any of them is opened.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.erasures = Erasures()
        self._fresh: OrderedDict[bytes, tuple[str, NewEvent, Event]] = OrderedDict()

    def seal(self, stream: str, event: Event) -> NewEvent:
        """The stored form of an event, whose actor's key is at hand. Raises: Erased, KeyError."""
        sealed = _seal(stream, event, self.keyring.cipher(event.actor))
        self._fresh[sealed.state] = (stream, sealed, event)
        if len(self._fresh) > MAX_FRESH:
            self._fresh.popitem(last=False)
        return sealed

    async def open(self, recorded: Sequence[Recorded]) -> list[Fact]:
        """Open stored events, in their order; one that cannot be opened says so and harms no other."""
        for row in recorded:
            if row.topic == ERASED:
                self._forget(person_of(row.subject), row.position)
        facts = [self._remember(row) for row in recorded] if self._fresh else [None] * len(recorded)
        envelopes = [_envelope(row.state) for row, fact in zip(recorded, facts, strict=True) if fact is None]
        ciphers = await self.keyring.load(each.actor for each in envelopes if each)
        rest = iter(envelopes)
        return [fact or _open_one(row, next(rest), ciphers) for row, fact in zip(recorded, facts, strict=True)]

    async def is_erased(self, person: str) -> bool:
        """Whether somebody was erased. Asks nobody, unless very many were. Raises: StoreUnavailable."""
        if person in self.erasures or self.erasures.are_all:
            return person in self.erasures
        found = await self.keyring.load([person])
        return person in found and found[person] is None

    def _forget(self, person: str, position: int) -> None:
        self.keyring.forget(person)
        if person not in self.erasures:
            for state in [state for state, (_, _, event) in self._fresh.items() if event.actor == person]:
                del self._fresh[state]
            self.erasures.note(person, position)

    def _remember(self, row: Recorded) -> Fact | None:
        """The fact of an event that was sealed here, for as long as its person has not been erased."""
        known = self._fresh.get(row.state)
        if known is None:
            return None
        stream, sealed, event = known
        same = (stream, sealed.topic, sealed.subject) == (row.stream, row.topic, row.subject)
        return Fact(row, event) if same and self.keyring.holds(event.actor) else None


def _seal(stream: str, event: Event, cipher: AESGCM) -> NewEvent:
    fields = msgspec.structs.asdict(event)
    personal = {name: fields.pop(name) for name in type(event).SEALED}
    nonce, subject = os.urandom(NONCE_BYTES), event.subject
    bound = _associated_data(stream, event.actor, subject)
    fields["sealed"] = nonce + cipher.encrypt(nonce, _json.encode(personal), bound)
    return NewEvent(type(event).TOPIC, subject, _json.encode(fields))


def seal_with(cipher: AESGCM | None, stream: str, event: Event) -> NewEvent:
    """The stored form of an event; without a cipher that of somebody who was erased, for whom nobody has a key."""
    return _seal(stream, event, cipher or AESGCM(AESGCM.generate_key(bit_length=256)))


class _Envelope(msgspec.Struct):
    """What of a stored event is looked at before it is opened."""

    actor: str
    sealed: bytes


_NOTHING_PERSONAL = {name: "" for event in TOPICS.values() for name in event.SEALED}
_FIELDS = msgspec.json.Decoder(dict[str, object])
_ENVELOPE = msgspec.json.Decoder(_Envelope)


def _envelope(state: bytes) -> _Envelope | None:
    try:
        return _ENVELOPE.decode(state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _open_one(row: Recorded, envelope: _Envelope | None, ciphers: Mapping[str, AESGCM | None]) -> Fact:
    if envelope is None:
        return Fact(row, None, "broken")
    try:
        cipher, sealed = ciphers[envelope.actor], envelope.sealed
        if cipher is None:
            return Fact(row, revive(row.topic, {**_NOTHING_PERSONAL, **_plain(row.state)}), "erased")
        bound = _associated_data(row.stream, envelope.actor, row.subject)
        return Fact(row, _join(row, cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)))
    except (KeyError, ValueError, InvalidTag, msgspec.MsgspecError):
        return Fact(row, None, "broken")


def _join(row: Recorded, personal: bytes) -> Event:
    """The event that is stored in two parts. Raises: KeyError, msgspec.MsgspecError.

    Where its form is of today, they are joined as text and read at once, which takes half the time. Within a string
    every quotation mark is escaped, so that what is looked for is the field.
    """
    plain, _, sealed = row.state.partition(b',"sealed":"')
    if row.topic in UPCASTERS or sealed.find(b'"') != len(sealed) - 2 or personal == b"{}":
        return revive(row.topic, {**_plain(row.state), **_FIELDS.decode(personal)})
    event: Event = _decoder(TOPICS[row.topic]).decode(plain + b"," + personal[1:])
    return event


def _plain(state: bytes) -> dict[str, object]:
    """The fields that are not sealed."""
    fields = _FIELDS.decode(state)
    fields.pop("sealed")
    return fields


@cache
def _decoder[E: Event](form: type[E]) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(form)


def _associated_data(stream: str, actor: str, subject: str) -> bytes:
    return f"{stream}\0{actor}\0{subject}".encode()
