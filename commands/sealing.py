"""What is personal in an event is sealed: encrypted with a key of that person's own (AES-256-GCM).

A stored event is JSON with its plain fields and one field `sealed`: 12 bytes of nonce and the ciphertext of the
personal fields as JSON. Stream, actor and subject are its associated data, so that a sealed text cannot be moved to
another message, person or room. Keys are wrapped by the master key and durable before anything is sealed with them.
Destroying a key erases its person from the log without changing a stored byte.
"""

import os
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commands.events import TOPICS, Event, revive
from commands.store import NewEvent, Recorded

NONCE_BYTES = 12
MAX_CACHED_KEYS = 20_000
MAX_FRESH = 2048
"""Events that a process sealed itself and will soon meet again: its hubs and projections need not open them."""
_json = msgspec.json.Encoder()


class KeyVault(Protocol):
    """Where wrapped keys are kept. A row without a key is a person who was erased; it never gets one again."""

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        """The wrapped keys of those who have, or had, one."""

    async def add(self, person: str, wrapped: bytes) -> bytes | None:
        """Keep a key durably unless the person has one; answers the one that is kept."""


class Fact(NamedTuple):
    """A recorded event, opened.

    `stub` says why readers get less than the event: its person was `erased` (the event is there, what was personal in
    it is empty), its message was `redacted` (the event is there in full, for those who build on it), or it is `broken`
    (there is no event).
    """

    recorded: Recorded
    event: Event | None
    stub: Literal["", "erased", "broken", "redacted", "hidden"] = ""


class Erased(Exception):
    """This person's key was destroyed."""


class Keyring:
    """The keys of people, unwrapped and cached. Safe to share between tasks of one event loop."""

    def __init__(self, vault: KeyVault, master_key: bytes) -> None:
        self._vault = vault
        self._master = AESGCM(master_key)
        self._ciphers: OrderedDict[str, AESGCM | None] = OrderedDict()

    async def ensure(self, person: str) -> None:
        """Make sure that `person` has a durable key. Raises: Erased, StoreUnavailable."""
        if not await self.load([person]):
            fresh = self._wrap(person, AESGCM.generate_key(bit_length=256))
            self._keep(person, await self._vault.add(person, fresh))
        self.cipher(person)

    async def load(self, persons: Iterable[str]) -> Mapping[str, AESGCM | None]:
        """The ciphers of these people, as far as they have, or had, a key: None is one who was erased.

        The answer is whole however many people there are, while the cache forgets some. Raises: StoreUnavailable.
        """
        wanted = set(persons)
        found = {person: self._ciphers[person] for person in wanted if person in self._ciphers}
        if missing := list(wanted - found.keys()):
            for person, wrapped in (await self._vault.read(missing)).items():
                found[person] = self._keep(person, wrapped)
        return found

    def cipher(self, person: str) -> AESGCM:
        """The cipher of somebody whose key was just ensured. Raises: Erased, KeyError."""
        cipher = self._ciphers[person]
        if cipher is None:
            raise Erased(person)
        return cipher

    def holds(self, person: str) -> bool:
        """Whether the key of a person is at hand."""
        return self._ciphers.get(person) is not None

    def forget(self, person: str) -> None:
        """Drop a key from the cache: its person was erased."""
        self._ciphers[person] = None

    def _wrap(self, person: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, person.encode())

    def _keep(self, person: str, wrapped: bytes | None) -> AESGCM | None:
        cipher = None if wrapped is None else AESGCM(self._unwrap(person, wrapped))
        self._ciphers[person] = cipher
        while len(self._ciphers) > MAX_CACHED_KEYS:
            self._ciphers.popitem(last=False)
        return cipher

    def _unwrap(self, person: str, wrapped: bytes) -> bytes:
        return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())


class Mapper:
    """Turns events into stored form and back, sealing and opening what is personal."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._fresh: OrderedDict[bytes, tuple[str, NewEvent, Event]] = OrderedDict()

    def seal(self, stream: str, event: Event) -> NewEvent:
        """The stored form of an event, whose actor's key is at hand. Raises: Erased, KeyError."""
        fields = msgspec.structs.asdict(event)
        personal = {name: fields.pop(name) for name in type(event).SEALED}
        nonce, subject = os.urandom(NONCE_BYTES), event.subject
        cipher = self.keyring.cipher(event.actor)
        bound = _associated_data(stream, event.actor, subject)
        fields["sealed"] = nonce + cipher.encrypt(nonce, _json.encode(personal), bound)
        sealed = NewEvent(type(event).TOPIC, subject, _json.encode(fields))
        self._fresh[sealed.state] = (stream, sealed, event)
        if len(self._fresh) > MAX_FRESH:
            self._fresh.popitem(last=False)
        return sealed

    async def open(self, recorded: Sequence[Recorded]) -> list[Fact]:
        """Open stored events, in their order; one that cannot be opened says so and harms no other."""
        facts = [self._remember(row) for row in recorded]
        raw = [_decode(row.state) for row, fact in zip(recorded, facts, strict=True) if fact is None]
        actors = [actor for fields in raw if isinstance(actor := fields.get("actor"), str)]
        ciphers = await self.keyring.load(actors)
        rest = iter(raw)
        return [fact or _open_one(row, next(rest), ciphers) for row, fact in zip(recorded, facts, strict=True)]

    def _remember(self, row: Recorded) -> Fact | None:
        """The fact of an event that was sealed here, for as long as its person has not been erased."""
        known = self._fresh.get(row.state)
        if known is None:
            return None
        stream, sealed, event = known
        same = (stream, sealed.topic, sealed.subject) == (row.stream, row.topic, row.subject)
        return Fact(row, event) if same and self.keyring.holds(event.actor) else None


_NOTHING_PERSONAL = {name: "" for event in TOPICS.values() for name in event.SEALED}
_FIELDS = msgspec.json.Decoder(dict[str, object])


def _open_one(row: Recorded, fields: dict[str, object], ciphers: Mapping[str, AESGCM | None]) -> Fact:
    try:
        actor, sealed = str(fields["actor"]), b64decode(str(fields.pop("sealed")))
        bound = _associated_data(row.stream, actor, row.subject)
        cipher = ciphers[actor]
        if cipher is None:
            return Fact(row, revive(row.topic, {**_NOTHING_PERSONAL, **fields}), "erased")
        personal = _decode(cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound))
        return Fact(row, revive(row.topic, {**fields, **personal}))
    except (KeyError, ValueError, InvalidTag, msgspec.MsgspecError):
        return Fact(row, None, "broken")


def _decode(state: bytes) -> dict[str, object]:
    try:
        return _FIELDS.decode(state)
    except msgspec.MsgspecError:
        return {}


def _associated_data(stream: str, actor: str, subject: str) -> bytes:
    return f"{stream}\0{actor}\0{subject}".encode()
