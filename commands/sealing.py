"""What is personal in an event is sealed: encrypted with a key of that person's own (AES-256-GCM).

A stored event is JSON with its plain fields and one field `sealed`: 12 bytes of nonce and the ciphertext of the
personal fields as JSON. Stream, actor and subject are its associated data, so that a sealed text cannot be moved to
another message, person or room. Keys are wrapped by the master key and durable before anything is sealed with them.
Destroying a key erases its person from the log without changing a stored byte.

In a room whose record is kept for some days only, that is sealed once more, with the key of the room's day: the field
`day` says which. It opens with both keys, so that destroying either is enough.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.days import begin_of, day_key, day_keys
from commands.erasures import Erasures
from commands.events import TOPICS, UPCASTERS, Event, revive
from commands.fresh import Fresh, Sealed
from commands.keyring import NONCE_BYTES, Keyring
from commands.people import ERASED, EXPIRED, person_of, room_of
from commands.store import NewEvent, Recorded

_json = msgspec.json.Encoder()


class Fact(NamedTuple):
    """A recorded event, opened.

    `stub` says why readers get less than the event: its person was `erased`, or its day is over (the event is there,
    what was personal in it is empty), its message was `redacted` (the event is there in full, for those who build on
    it), or it is `broken` (there is no event).
    """

    recorded: Recorded
    event: Event | None
    stub: Literal["", "erased", "broken", "redacted", "hidden"] = ""


class Mapper:
    """Turns events into stored form and back, sealing and opening what is personal.

    To open is to forget: a person whose erasure is among the events, or the days of a room that are over, are forgotten
    before any of them is opened.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.erasures = Erasures()
        self.fresh = Fresh(keyring)

    def seal(self, stream: str, event: Event, day: str = "") -> NewEvent:
        """The stored form of an event, whose actor's key is at hand, and that of its `day` if it is sealed with one.

        Raises: Erased, KeyError.
        """
        outer = self.keyring.cipher(day_key(stream, day)) if day else None
        sealed = _seal(stream, event, self.keyring.cipher(event.actor), day, outer)
        self.fresh.keep(Sealed(stream, sealed, event, day))
        return sealed

    async def open(self, recorded: Sequence[Recorded]) -> list[Fact]:
        """Open stored events, in their order; one that cannot be opened says so and harms no other."""
        for row in recorded:
            if row.topic == ERASED:
                self._forget(person_of(row.subject), row.position)
            elif row.topic == EXPIRED:
                self._expire(row)
        facts = [self._find(row) for row in recorded] if self.fresh else [None] * len(recorded)
        envelopes = [_envelope(row.state) for row, fact in zip(recorded, facts, strict=True) if fact is None]
        ciphers = await self.keyring.load(_keys(recorded, facts, envelopes))
        rest = iter(envelopes)
        return [fact or _open_one(row, next(rest), ciphers) for row, fact in zip(recorded, facts, strict=True)]

    async def is_erased(self, person: str) -> bool:
        """Whether somebody was erased. Asks nobody, unless very many were. Raises: StoreUnavailable."""
        if person in self.erasures or self.erasures.are_all:
            return person in self.erasures
        found = await self.keyring.load([person])
        return person in found and found[person] is None

    def _find(self, row: Recorded) -> Fact | None:
        event = self.fresh.find(row)
        return None if event is None else Fact(row, event)

    def _forget(self, person: str, position: int) -> None:
        self.keyring.forget(person)
        if person not in self.erasures:
            self.fresh.forget(lambda each: each.event.actor == person)
            self.erasures.note(person, position)

    def _expire(self, row: Recorded) -> None:
        """Days of a room are over."""
        room = room_of(row.subject)
        for key in days_over(row):
            self.keyring.forget(key)
        with suppress(ValueError):
            if self.erasures.expire(room, begin_of(_OVER.decode(row.state).before), row.position):
                self.fresh.forget(lambda each: each.stream == room)


def days_over(row: Recorded) -> list[str]:
    """The names of the keys of the days that a `room.expired` ends; none if it cannot be read."""
    try:
        over = _OVER.decode(row.state)
        return list(day_keys(room_of(row.subject), over.since, over.before))
    except (msgspec.MsgspecError, ValueError):
        return []


def _seal(stream: str, event: Event, cipher: AESGCM, day: str = "", outer: AESGCM | None = None) -> NewEvent:
    fields = msgspec.structs.asdict(event)
    personal = {name: fields.pop(name) for name in type(event).SEALED}
    subject = event.subject
    bound = _associated_data(stream, event.actor, subject)
    sealed = _encrypt(cipher, _json.encode(personal), bound)
    if outer:
        fields["day"] = day
        sealed = _encrypt(outer, sealed, bound)
    fields["sealed"] = sealed
    return NewEvent(type(event).TOPIC, subject, _json.encode(fields))


def seal_with(cipher: AESGCM | None, stream: str, event: Event, day: str = "", outer: AESGCM | None = None) -> NewEvent:
    """The stored form of an event, sealed with the `outer` key of a day as well, if it is of one.

    Without a cipher it is that of somebody who was erased, or of a day that is over: nobody has such a key.
    """
    return _seal(stream, event, cipher or _unknown(), day, (outer or _unknown()) if day else None)


def _unknown() -> AESGCM:
    """The cipher of a key that nobody has."""
    return AESGCM(AESGCM.generate_key(bit_length=256))


def _encrypt(cipher: AESGCM, data: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, data, bound)


def _decrypt(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    """Raises: InvalidTag, ValueError."""
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)


class _Envelope(msgspec.Struct):
    """What of a stored event is looked at before it is opened."""

    actor: str
    sealed: bytes
    day: str = ""


class _Over(msgspec.Struct):
    """What the end of days says: from which day on, and before which one."""

    since: str
    before: str


def nothing_personal(event: Event) -> Event:
    """The event as it opens when its key is destroyed."""
    return msgspec.structs.replace(event, **dict.fromkeys(event.SEALED, ""))


_NOTHING_PERSONAL = {name: "" for event in TOPICS.values() for name in event.SEALED}
_FIELDS = msgspec.json.Decoder(dict[str, object])
_ENVELOPE = msgspec.json.Decoder(_Envelope)
_OVER = msgspec.json.Decoder(_Over)


def _envelope(state: bytes) -> _Envelope | None:
    try:
        return _ENVELOPE.decode(state)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _keys(
    recorded: Sequence[Recorded], facts: Sequence[Fact | None], envelopes: Sequence[_Envelope | None]
) -> Iterator[str]:
    """The names of the keys that these envelopes need."""
    unopened = (row for row, fact in zip(recorded, facts, strict=True) if fact is None)
    for row, envelope in zip(unopened, envelopes, strict=True):
        if envelope is not None:
            yield envelope.actor
            if envelope.day:
                yield day_key(row.stream, envelope.day)


def _open_one(row: Recorded, envelope: _Envelope | None, ciphers: Mapping[str, AESGCM | None]) -> Fact:
    if envelope is None:
        return Fact(row, None, "broken")
    try:
        cipher, sealed = ciphers[envelope.actor], envelope.sealed
        outer = ciphers[day_key(row.stream, envelope.day)] if envelope.day else cipher
        if cipher is None or outer is None:
            return Fact(row, revive(row.topic, {**_NOTHING_PERSONAL, **_plain(row.state)}), "erased")
        bound = _associated_data(row.stream, envelope.actor, row.subject)
        if envelope.day:
            sealed = _decrypt(outer, sealed, bound)
        return Fact(row, _join(row, _decrypt(cipher, sealed, bound)))
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
    fields.pop("day", None)
    return fields


@cache
def _decoder[E: Event](form: type[E]) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(form)


def _associated_data(stream: str, actor: str, subject: str) -> bytes:
    return f"{stream}\0{actor}\0{subject}".encode()
