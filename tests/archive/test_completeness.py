"""An export of everything has every event that is in the tree: whatever is left out is missed."""

import os
from functools import partial

import pytest
from django.conf import settings

from archive import ndjson
from archive.lines import decode
from commands.treehead import SigningKey
from projections.signing import Signer
from tests.archive.conftest import Server, whole
from tests.archive.forging import counted_anew, without_stream
from tests.archive.test_checking import check, findings
from tests.cast import GARDEN, GENERAL, NOON
from tests.projections.deployment import on_django


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        (GARDEN, "event number 2 of the log is missing before general/2"),
        (GARDEN, "event number 4 of the log is missing before general/3"),
        (GARDEN + "-2", "events number 17 to 18 of the log are missing before general/15"),
        (GENERAL, "event number 19 of the log is missing at the end"),
    ],
)
async def test_a_stream_that_is_left_out_of_everything_is_missed(
    server: Server, monkeypatch: pytest.MonkeyPatch, stream: str, says: str
) -> None:
    """Whoever leaves it out has the key, counts anew, and gives the hashes that lead to the root."""
    monkeypatch.setattr(ndjson, "facts", without_stream(ndjson.facts, stream))
    checked = check((await server.export(None)).splitlines(keepends=True))
    assert says in [found.says for found in checked.findings]
    assert not [found for found in checked.findings if "missing" not in found.says]
    monkeypatch.undo()
    assert findings((await server.export(None)).splitlines(keepends=True)) == []


async def test_so_it_is_if_whoever_leaves_it_out_has_no_key(server: Server) -> None:
    file = (await server.export(None)).splitlines(keepends=True)
    kept = [file[0], *(line for line in file[1:-1] if decode(line).stream != GARDEN), file[-1]]
    found = findings(counted_anew(kept, SigningKey(os.urandom(32))))
    assert [each for each in found if "event number 2 of the log is missing before general/2" in each]
    assert [each for each in found if "the manifest was not signed by a key" in each]
    assert not [each for each in found if "SHA-256" in each or "by the manifest" in each]


async def test_everything_as_of_a_time_may_lack_what_came_later(server: Server) -> None:
    checked = check((await server.export(None, as_of_time=NOON - 10**12)).splitlines(keepends=True))
    assert (checked.findings, checked.proved) == ([], 0)


async def test_everything_goes_as_far_as_the_tree_head(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    part = await server.exports.of_everything()
    await server.deployment.say("guest:ada", "later")
    await server.project()
    on_django(partial(Signer(settings.SIGNING_KEY, 1e-9).sign, await server.deployment.log.last_position()))
    checked = check((await whole(server.exports.write(part, "ndjson"))).splitlines(keepends=True))
    assert (checked.findings, checked.proved, checked.account.lines) == ([], 20, 20)
