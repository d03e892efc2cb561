"""Tree heads are signed by whoever leads, now and then, and only if they continue what was signed before."""

from collections.abc import Callable
from functools import partial

import pytest

from commands import merkle, treehead
from commands.treehead import SigningKey
from projections import signing
from projections.checkpoints import LostLead
from projections.proof import Proof
from projections.signing import Signer
from tests.cast import ADA
from tests.projections.deployment import Deployment, Running, execute, forget, on_django
from tests.projections.tampering import falsify_tile
from tests.projections.test_runner import until

KEY = SigningKey(b"\7" * 32)
AT_ONCE = 1e-9


async def sign(deployment: Deployment, *, every_s: float = AT_ONCE) -> Signer:
    (applier,) = await deployment.project(Proof())
    signer = Signer(KEY, every_s)
    on_django(partial(signer.sign, applier.position))
    return signer


async def test_a_head_says_how_many_events_there_are_and_is_signed(deployment: Deployment) -> None:
    await deployment.fill(300)
    await sign(deployment)
    head = on_django(signing.last)
    assert head is not None
    assert treehead.is_signed(head, KEY.public_key)
    leaves = [merkle.leaf_of(event) for event in await deployment.log.read_recorded(after=0, limit=1000)]
    assert head.head.root_hash == merkle.root(leaves)
    assert (head.head.tree_size, head.head.position) == (300, await deployment.log.last_position())


async def test_nothing_is_signed_before_there_is_something_or_twice(deployment: Deployment) -> None:
    await sign(deployment)
    assert on_django(signing.last) is None
    await deployment.fill(3)
    signer = await sign(deployment)
    on_django(partial(signer.sign, await deployment.log.last_position()))
    assert execute("SELECT tree_size FROM tree_head") == [(3,)]
    assert not signer.is_due(await deployment.log.last_position())


async def test_no_head_follows_another_too_soon(deployment: Deployment) -> None:
    await deployment.fill(3)
    await sign(deployment, every_s=3600)
    await deployment.fill(3)
    signer = await sign(deployment, every_s=3600)
    assert execute("SELECT tree_size FROM tree_head") == [(3,)]
    assert not signer.is_due(await deployment.log.last_position())
    await sign(deployment)
    assert execute("SELECT tree_size FROM tree_head ORDER BY 1") == [(3,), (6,)]


async def test_who_does_not_lead_signs_nothing(deployment: Deployment) -> None:
    await deployment.fill(3)
    (applier,) = await deployment.project(Proof())
    await deployment.fill(1)
    await deployment.project(Proof())
    with pytest.raises(LostLead):
        on_django(partial(Signer(KEY, AT_ONCE).sign, applier.position))
    assert on_django(signing.last) is None


@pytest.mark.parametrize("damage", [partial(falsify_tile, 0, 0), partial(execute, "DELETE FROM proof_tile")])
async def test_a_tree_that_does_not_continue_the_last_one_is_not_signed(
    deployment: Deployment, damage: Callable[[], object], caplog: pytest.LogCaptureFixture
) -> None:
    await deployment.fill(10)
    await sign(deployment)
    await deployment.fill(10)
    (applier,) = await deployment.project(Proof())
    damage()
    signer = Signer(KEY, AT_ONCE)
    for _ in range(2):
        on_django(partial(signer.sign, applier.position))
    assert execute("SELECT tree_size FROM tree_head") == [(10,)]
    assert [record.message.partition(":")[0] for record in caplog.records] == ["no tree head is signed any more"]


async def test_a_rebuild_leaves_the_heads_and_goes_on_from_them(deployment: Deployment) -> None:
    await deployment.fill(10)
    await sign(deployment)
    forget()
    await sign(deployment)
    await deployment.fill(10)
    await sign(deployment)
    assert execute("SELECT tree_size FROM tree_head ORDER BY 1") == [(10,), (20,)]


async def test_whoever_runs_the_projections_signs(deployment: Deployment) -> None:
    async def is_signed(size: int) -> bool:
        head = on_django(signing.last)
        return head is not None and head.head.tree_size == size

    async with Running(deployment, Signer(KEY, AT_ONCE)):
        await deployment.say(ADA, "one", "two")
        await until(partial(is_signed, 3))
        await deployment.say(ADA, "three")
        await until(partial(is_signed, 4))
