"""`kill -9` under load, again and again: what was acknowledged is there, once, in order, and read models say the same.

Five times on each database; `make chaos` does it fifty times (CHAOS_KILLS). CHAOS_SEED repeats a run's choices.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.campaign import Campaign
from tests.acceptance.deployment import Projector, Web, migrated_database
from tests.acceptance.extent import SEED, count
from tests.acceptance.faults import Kill, Kinds, draw
from tests.acceptance.rebuild import assert_equals_a_rebuild
from tests.servers import Postgres

KILLS = count("KILLS", 5, long=50)

pytestmark = pytest.mark.timeout(120 + 20 * KILLS)


async def test_a_killed_server_loses_and_doubles_nothing_on_sqlite(tmp_path: Path) -> None:
    with Web() as web:
        await strike(web, {"web": lambda _, __: Kill(web)}, tmp_path)
        await assert_equals_a_rebuild(web.database_url)


async def test_a_killed_server_loses_and_doubles_nothing_on_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    with ExitStack() as stack:
        web = stack.enter_context(Web(migrated_database(postgres)))
        projector = stack.enter_context(Projector(web.database_url))
        await strike(web, {"any": lambda _, turn: Kill([web, web, projector][turn % 3])}, tmp_path)
        await assert_equals_a_rebuild(web.database_url, postgres)


async def strike(web: Web, kinds: Kinds, folder: Path) -> None:
    campaign = Campaign(web.port, folder, seed=SEED)
    try:
        await campaign.run(draw(kinds, dict.fromkeys(kinds, KILLS), SEED))
    finally:
        campaign.history.close()
    found = await campaign.faults(web.database_url)
    assert found == [], f"CHAOS_SEED={SEED}: " + "\n".join(found[:20])
