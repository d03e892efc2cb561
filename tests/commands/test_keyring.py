"""People who come at once get their keys together."""

import asyncio
from collections.abc import Mapping

import pytest

from commands import keyring
from commands.keyring import Erased, Keyring
from commands.store import StoreUnavailable
from tests.cast import ADA, GRACE
from tests.commands.vault import MASTER_KEY, MemoryVault

CROWD = [f"guest:{i}" for i in range(200)]


class SlowVault(MemoryVault):
    """Every addition takes a turn of the event loop; it may fail."""

    fails = False

    async def add(self, keys: Mapping[str, bytes | None]) -> Mapping[str, bytes | None]:
        await asyncio.sleep(0)
        if self.fails:
            raise StoreUnavailable
        return await super().add(keys)


async def test_a_crowd_of_new_people_costs_a_commit_or_two() -> None:
    vault = SlowVault()
    ring = Keyring(vault, MASTER_KEY)
    await asyncio.gather(*(ring.ensure(person) for person in CROWD * 2))
    assert vault.adds <= 2
    assert set(vault.keys) == set(CROWD)
    await ring.ensure(CROWD[0])
    assert vault.adds <= 2


async def test_a_turn_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "MAX_AT_ONCE", 50)
    vault = SlowVault()
    ring = Keyring(vault, MASTER_KEY)
    await asyncio.gather(*(ring.ensure(person) for person in CROWD))
    assert vault.adds == 4
    assert set(vault.keys) == set(CROWD)


async def test_everybody_hears_that_the_vault_is_away_and_can_try_again() -> None:
    vault = SlowVault()
    vault.fails = True
    ring = Keyring(vault, MASTER_KEY)
    failed = await asyncio.gather(*(ring.ensure(person) for person in CROWD), return_exceptions=True)
    assert all(isinstance(error, StoreUnavailable) for error in failed)
    vault.fails = False
    await ring.ensure(ADA)
    assert ring.holds(ADA)


async def test_who_gave_up_waiting_harms_nobody() -> None:
    ring = Keyring(SlowVault(), MASTER_KEY)
    impatient = asyncio.create_task(ring.ensure(ADA))
    patient = asyncio.create_task(ring.ensure(ADA))
    await asyncio.sleep(0)
    impatient.cancel()
    await patient
    assert ring.holds(ADA)


async def test_among_a_crowd_who_was_erased_gets_no_key() -> None:
    ring = Keyring(SlowVault({GRACE: None}), MASTER_KEY)
    answers = await asyncio.gather(*(ring.ensure(person) for person in (ADA, GRACE)), return_exceptions=True)
    assert answers[0] is None
    assert isinstance(answers[1], Erased)
