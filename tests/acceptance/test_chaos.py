"""`kill -9` under load, again and again: what was acknowledged is there, once, in order, and read models say the same.

Five times on each database; `make chaos` does it fifty times (CHAOS_KILLS). CHAOS_SEED repeats a run's choices.
"""

import os
import random
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.campaign import Campaign, Fault, Kill
from tests.acceptance.deployment import Projector, Web
from tests.acceptance.rebuild import assert_equals_a_rebuild
from tests.servers import Postgres

KILLS = int(os.environ.get("CHAOS_KILLS", "5"))
SEED = int(os.environ.get("CHAOS_SEED") or random.randrange(2**32))

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


async def test_a_killed_server_loses_and_doubles_nothing_on_sqlite(tmp_path: Path) -> None:
    with Web() as web:
        await strike(web, [Kill(web)], tmp_path)
        await assert_equals_a_rebuild(web)


async def test_a_killed_server_loses_and_doubles_nothing_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(Web(postgres.create_database()))
        projector = stack.enter_context(Projector(web.database_url))
        await strike(web, [Kill(web), Kill(web), Kill(projector)], tmp_path)
        await assert_equals_a_rebuild(web, postgres)


async def strike(web: Web, faults: list[Fault], folder: Path) -> None:
    campaign = Campaign(web.port, folder, seed=SEED)
    try:
        await campaign.run(faults, strikes=KILLS)
    finally:
        campaign.history.close()
    found = await campaign.faults(web.database_url)
    assert found == [], f"CHAOS_SEED={SEED}: " + "\n".join(found[:20])
