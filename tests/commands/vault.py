"""A keyring whose keys live in memory, for what is pure of sealing."""

from collections.abc import Mapping, Sequence

from commands.keyring import Keyring
from commands.sealing import Mapper

MASTER_KEY = bytes(range(32))


class MemoryVault:
    """Wrapped keys in a dict; None is a key that was destroyed."""

    def __init__(self, keys: Mapping[str, bytes | None] | None = None) -> None:
        self.keys = dict(keys or {})
        self.reads = self.adds = 0

    async def read(self, persons: Sequence[str]) -> Mapping[str, bytes | None]:
        self.reads += 1
        return {person: self.keys[person] for person in persons if person in self.keys}

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        self.adds += 1
        return {person: self.keys.setdefault(person, wrapped) for person, wrapped in keys.items()}

    async def destroy(self, persons: Sequence[str]) -> None:
        self.keys |= dict.fromkeys(persons)


def mapper(vault: MemoryVault) -> Mapper:
    """A mapper with an empty cache over this vault: another process, so to speak."""
    return Mapper(Keyring(vault, MASTER_KEY))
