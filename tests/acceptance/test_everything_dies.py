"""Everything that can die, dies: web, projections, PostgreSQL, Redis, connections; under load, and nothing is lost.

Each kind a few times; with CHAOS=long (`make chaos`) as often as was promised. CHAOS_SEED repeats a run's choices.
"""

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.campaign import Campaign, Crowd
from tests.acceptance.conftest import Tell
from tests.acceptance.extent import LONG, SEED, count, extent
from tests.acceptance.faults import draw
from tests.acceptance.history import Record
from tests.acceptance.rebuild import assert_equals_a_rebuild
from tests.acceptance.site import site
from tests.acceptance.timing import rate, recoveries

COUNTS = {
    "web": count("WEB", 3, long=60),
    "projections": count("PROJECTIONS", 1, long=20),
    "postgres": count("POSTGRES", 2, long=20),
    "redis": count("REDIS", 1, long=20),
    "cuts": count("CUTS", 3, long=20),
    "rolls": count("SIGTERMS", 2, long=20),
}
CUT_S = (1.0, extent("CUT_S", 3, long=15))
FIRST_ANSWER_S = extent("FIRST_ANSWER_S", 20, long=5)
"""After a fault is over. The short version runs beside other tests, on whatever machine there is."""
PACE_S = extent("PACE_S", 0.08, long=0.05)
FORTY = Crowd(tuple(f"room-{n}" for n in range(10)), sockets=14, rests=14, readers=2, pace_s=PACE_S, calm=800)


@pytest.mark.timeout(3600 if LONG else 300)
async def test_whatever_dies_under_load_nothing_is_lost_doubled_or_out_of_order(tmp_path: Path, tell: Tell) -> None:
    tell(f"CHAOS_SEED={SEED}")
    async with site() as here:
        campaign = Campaign(here.port, tmp_path, seed=SEED, crowd=FORTY)
        with closing(campaign.history):
            await campaign.run(draw(here.kinds(CUT_S), COUNTS, SEED))
        slowest = report(campaign.history.records, tell)
        found = await campaign.faults(here.database_url)
        tell(f"{len(found)} violations; troubles: {campaign.troubles.most_common(8)}")
        assert found == [], f"CHAOS_SEED={SEED}: " + "\n".join(found[:20])
        await assert_equals_a_rebuild(here.database_url, here.postgres)
    assert slowest <= FIRST_ANSWER_S


def report(records: list[Record], tell: Tell) -> float:
    """Tell what was done, and how long it took to get over it; answers the longest time."""
    counts = Counter(type(record).__name__ for record in records)
    tell(f"{rate(records):.0f} messages/s while nothing is struck; {dict(counts)}")
    found = sorted(recoveries(records), key=lambda recovery: recovery.took_s)
    tell(f"faults: {dict(Counter(recovery.fault for recovery in found))}")
    tell("slowest first answers: " + ", ".join(f"{took_s:.2f} s after {fault}" for fault, took_s in found[-5:]))
    return found[-1].took_s
