"""Whether the master key is the one that people's keys were wrapped with."""

import asyncio
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidTag

from commands.keyring import Keyring
from config.checkups.findings import Finding, ok, problem

SAMPLE = "SELECT person, wrapped FROM person_keys WHERE wrapped IS NOT NULL ORDER BY created_at {order} LIMIT 1"
OLDEST, NEWEST = SAMPLE.format(order="ASC"), SAMPLE.format(order="DESC")


def check_master_key(wrapped: Sequence[tuple[str, bytes]], master_key: bytes) -> Finding:
    """Try it on some keys."""
    if not wrapped:
        return ok("MASTER_KEY", "nobody has a key yet")
    keys = {person: bytes(key) for person, key in wrapped}
    try:
        asyncio.run(Keyring(_Copied(keys), master_key).load(keys))
    except InvalidTag:
        return problem(
            "MASTER_KEY", "is not the one that people's keys were made with: find the right one in your backup"
        )
    return ok("MASTER_KEY", "opens people's keys")


class _Copied:
    """A `KeyVault` of keys that were read before."""

    def __init__(self, keys: Mapping[str, bytes | None]) -> None:
        self._keys = keys

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        return {person: self._keys[person] for person in persons}

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        raise NotImplementedError

    async def destroy(self, persons: Sequence[str]) -> None:
        raise NotImplementedError
