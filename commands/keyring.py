"""The keys of people: random AES-256 keys, wrapped by the master key, durable before anything is sealed with them.

A room's day may have one, too, under a name that no person can have (`days.day_key`).
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
MAX_CACHED_KEYS = 20_000
MAX_AT_ONCE = 500
"""New people in one statement."""


class KeyVault(Protocol):
    """Where wrapped keys are kept. A row without a key is a person who was erased; it never gets one again."""

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        """The wrapped keys of those who have, or had, one."""

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        """Keep the keys of people durably, but of those who have, or had, one; answers what is kept, of everybody.

        None keeps that a person was erased.
        """

    async def destroy(self, persons: Sequence[str]) -> None:
        """Destroy the keys of people durably and keep that they were erased; of no key anything is left in a file.

        To destroy what is destroyed changes nothing.
        """


class Erased(Exception):
    """This person's key was destroyed."""


class Keyring:
    """The keys of people, unwrapped and cached. Safe to share between tasks of one event loop."""

    def __init__(self, vault: KeyVault, master_key: bytes) -> None:
        self._vault = vault
        self._master = AESGCM(master_key)
        self._ciphers: OrderedDict[str, AESGCM | None] = OrderedDict()
        self._wanted: dict[str, asyncio.Future[None]] = {}
        self._ensuring: asyncio.Task[None] | None = None

    async def ensure(self, *persons: str) -> None:
        """Make sure that each of `persons` has a durable key, and all are at hand. Raises: Erased, StoreUnavailable.

        Everybody who asks while others are being seen to is seen to in the next turn, all in one commit.
        """
        while missing := [person for person in persons if person not in self._ciphers]:
            await asyncio.shield(self._want(missing[0]))
        for person in persons:
            self.cipher(person)

    def _want(self, person: str) -> asyncio.Future[None]:
        """Done when the person's key is at hand, for a moment at least."""
        wanted = self._wanted.get(person)
        if wanted is None:
            wanted = self._wanted[person] = asyncio.get_running_loop().create_future()
            wanted.add_done_callback(_forgive)
        if self._ensuring is None:
            self._ensuring = asyncio.create_task(self._ensure_wanted(), name="people's keys")
        return wanted

    async def load(self, persons: Iterable[str]) -> Mapping[str, AESGCM | None]:
        """The ciphers of these people, as far as they have, or had, a key: None is one who was erased.

        The answer is whole however many people there are, while the cache forgets some. Raises: StoreUnavailable.
        """
        wanted = set(persons)
        found = {person: self._ciphers[person] for person in wanted if person in self._ciphers}
        if missing := list(wanted - found.keys()):
            for person, wrapped in (await self._vault.read(missing)).items():
                found[person] = self._keep(person, wrapped)
            found |= {person: None for person in found if person in self._ciphers and self._ciphers[person] is None}
        return found

    async def knows(self, person: str) -> bool:
        """Whether a person has, or had, a key: whoever has none left nothing here. Raises: StoreUnavailable."""
        return person in await self.load([person])

    async def ensure_all(self, persons: Iterable[str]) -> Mapping[str, AESGCM | None]:
        """The same as `load`, of people each of whom gets a durable key who never had one. Raises: StoreUnavailable."""
        wanted = set(persons)
        found = dict(await self.load(wanted))
        if new := wanted - found.keys():
            fresh = {person: self._wrap(person, AESGCM.generate_key(bit_length=256)) for person in sorted(new)}
            for person, wrapped in (await self._vault.add(fresh)).items():
                found[person] = self._keep(person, wrapped)
        return found

    async def ensure_erased(self, persons: Sequence[str]) -> None:
        """Keep durably that these people, of whom nothing was known here, were erased. Raises: StoreUnavailable."""
        for person, wrapped in (await self._vault.add(dict.fromkeys(persons))).items():
            self._keep(person, wrapped)

    async def destroy(self, persons: Sequence[str]) -> None:
        """Destroy the keys of these people, for good. Raises: StoreUnavailable."""
        for person in persons:
            self.forget(person)
        await self._vault.destroy(persons)

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
        """Drop a key from the cache: its person was erased. Nobody who reads the vault meanwhile puts it back."""
        self._ciphers[person] = None
        self._ciphers.move_to_end(person)
        self._trim()

    async def _ensure_wanted(self) -> None:
        """See to everybody who waits, in turns."""
        try:
            while self._wanted:
                turn = {person: self._wanted.pop(person) for person in list(islice(self._wanted, MAX_AT_ONCE))}
                try:
                    await self.ensure_all(turn)
                except Exception as error:  # noqa: BLE001 - whoever waits hears of it
                    _settle(turn.values(), error)
                else:
                    _settle(turn.values(), None)
        finally:
            self._ensuring = None

    def _wrap(self, person: str, key: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, person.encode())

    def _keep(self, person: str, wrapped: bytes | None) -> AESGCM | None:
        forgotten = person in self._ciphers and self._ciphers[person] is None
        cipher = None if wrapped is None or forgotten else AESGCM(self._unwrap(person, wrapped))
        self._ciphers[person] = cipher
        self._trim()
        return cipher

    def _trim(self) -> None:
        while len(self._ciphers) > MAX_CACHED_KEYS:
            self._ciphers.popitem(last=False)

    def _unwrap(self, person: str, wrapped: bytes) -> bytes:
        return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())


def _settle(waiting: Iterable[asyncio.Future[None]], error: Exception | None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _forgive(waited: asyncio.Future[None]) -> None:
    """Whoever still waits hears of the failure; if all have gone away, nobody needs to."""
    if not waited.cancelled():
        waited.exception()
