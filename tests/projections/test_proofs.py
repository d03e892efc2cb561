"""Proofs that are handed out hold; what cannot be proved is refused and not handed out."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands import merkle
from commands.errors import InvalidField, NotProved, NotSigned, ProjectionBehind
from commands.subscription import Recorded
from tests.projections.deployment import Deployment, execute
from tests.projections.tampering import Intruder, falsify_tile
from tests.projections.test_signing import sign

SIZE = 700


@pytest.fixture
async def signed(deployment: Deployment) -> Deployment:
    await deployment.fill(300)
    await sign(deployment)
    await deployment.fill(SIZE - 300)
    await sign(deployment)
    return deployment


async def event(deployment: Deployment, number: int) -> Recorded:
    return (await deployment.log.read_recorded(after=0, limit=SIZE + 10))[number]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_every_event_is_proved_in_every_tree_that_has_it(signed: Deployment, data: st.DataObject) -> None:
    index = data.draw(st.sampled_from([0, 1, 254, 255, 256, 257, 299, 300, 511, 512, 699]) | st.integers(0, SIZE - 1))
    size = data.draw(st.sampled_from([256, 300, 512, 513, 699, 700]) | st.integers(1, SIZE))
    if index >= size:
        with pytest.raises(InvalidField):
            await signed.queries.proofs.inclusion(await event(signed, index), size)
        return
    found = await signed.queries.proofs.inclusion(await event(signed, index), size)
    assert found.leaf_index == index
    assert merkle.includes(found.leaf, index, size, found.path, found.root)
    assert (found.head is not None) == (size in (300, 700))
    assert found.head is None or found.head.head.root_hash == found.root


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_every_tree_is_proved_to_have_grown(signed: Deployment, data: st.DataObject) -> None:
    sizes = st.sampled_from([1, 255, 256, 257, 300, 512, 700]) | st.integers(1, SIZE)
    first, second = sorted([data.draw(sizes), data.draw(sizes)])
    found = await signed.queries.proofs.growth(first, second)
    assert merkle.grew(first, second, found.first_root, found.second_root, found.path)
    assert [head is not None for head in (found.first_head, found.second_head)] == [
        size in (300, 700) for size in (first, second)
    ]


async def test_the_newest_head_is_meant_if_nothing_is_said(signed: Deployment) -> None:
    assert (await signed.queries.proofs.inclusion(await event(signed, 5))).tree_size == SIZE
    assert (await signed.queries.proofs.growth(5)).second == SIZE


async def test_what_is_not_signed_or_not_hashed_yet_comes_later(signed: Deployment) -> None:
    await signed.fill(1)
    last = await event(signed, SIZE)
    with pytest.raises(ProjectionBehind):
        await signed.queries.proofs.inclusion(last)
    await signed.project()
    with pytest.raises(NotSigned) as refusal:
        await signed.queries.proofs.inclusion(last)
    assert refusal.value.retryable and refusal.value.retry_after_ms
    assert (await signed.queries.proofs.inclusion(last, SIZE + 1)).head is None


async def test_without_a_head_nothing_is_proved_of_itself(deployment: Deployment) -> None:
    await deployment.fill(3)
    await deployment.project()
    with pytest.raises(NotSigned):
        await deployment.queries.proofs.inclusion(await event(deployment, 0))
    with pytest.raises(NotSigned):
        await deployment.queries.proofs.growth(1)
    assert await deployment.queries.proofs.head() is None


async def test_trees_that_are_not_there_yet_are_refused(signed: Deployment) -> None:
    with pytest.raises(InvalidField, match="second: the log has 700 events"):
        await signed.queries.proofs.growth(1, SIZE + 1)
    with pytest.raises(InvalidField, match="first: use at most 300"):
        await signed.queries.proofs.growth(301, 300)


async def test_an_event_that_was_changed_is_not_proved(signed: Deployment, database: str) -> None:
    before = await event(signed, 20)
    Intruder(database).change_a_byte(before.position)
    with pytest.raises(NotProved):
        await signed.queries.proofs.inclusion(await event(signed, 20))
    assert (await signed.queries.proofs.inclusion(before)).leaf_index == 20


@pytest.mark.parametrize(
    "damage",
    [
        partial(execute, "DELETE FROM proof_tile WHERE level = 0 AND number = 1"),
        partial(falsify_tile, 0, 1),
        partial(falsify_tile, 1, 0),
    ],
)
async def test_a_damaged_tree_proves_nothing_that_is_not_so(signed: Deployment, damage: Callable[[], object]) -> None:
    damage()
    with pytest.raises(NotProved):
        await signed.queries.proofs.inclusion(await event(signed, 300))
    with pytest.raises(NotProved):
        await signed.queries.proofs.growth(300)
