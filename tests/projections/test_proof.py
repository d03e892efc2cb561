"""The tree follows the log: every event is a leaf, whatever is in it, and its hashes are kept in tiles."""

from functools import partial

import pytest

from commands import merkle
from projections import proof, tiles
from projections.proof import Proof
from projections.tiles import WIDTH, Tile, TreeDamaged
from tests.cast import ADA, GARDEN, GENERAL
from tests.projections.deployment import Deployment, Running, execute, forget, on_django, said, tables
from tests.projections.test_runner import until


async def leaves(deployment: Deployment) -> list[bytes]:
    return [merkle.leaf_of(event) for event in await deployment.log.read_recorded(after=0, limit=100_000)]


def kept() -> dict[tuple[int, int], bytes]:
    return {
        (level, number): bytes(hashes)
        for level, number, hashes in execute("SELECT level, number, hashes FROM proof_tile")
    }


@pytest.mark.parametrize("batch", [1, 97, 256, 2000])
async def test_every_event_is_a_leaf_in_the_order_of_the_log(deployment: Deployment, batch: int) -> None:
    await deployment.fill(260 if batch == 1 else 700)
    await deployment.project(Proof(), batch=batch)
    whole = await leaves(deployment)
    ((size, position),) = execute("SELECT tree_size, position FROM proof_size")
    assert (size, position) == (len(whole), await deployment.log.last_position())
    assert b"".join(kept()[0, number] for number in range(-(-size // WIDTH))) == b"".join(whole)
    roots = [merkle.root(whole[begin : begin + WIDTH]) for begin in range(0, size - size % WIDTH, WIDTH)]
    assert kept()[1, 0] == b"".join(roots)
    assert tiles.hashes([range(size)], kept()) == [merkle.root(whole)]


async def test_a_third_level_begins_when_the_second_is_full(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (tiles, proof):
        monkeypatch.setattr(module, "HEIGHT", 2)
        monkeypatch.setattr(module, "WIDTH", 4)
    monkeypatch.setattr(tiles, "TILE_BYTES", 4 * 32)
    await deployment.fill(150)
    await deployment.project(Proof(), batch=37)
    whole = await leaves(deployment)
    assert {level for level, _ in kept()} == {0, 1, 2, 3}
    for index in (0, 63, 64, 149):
        ranges = merkle.inclusion_ranges(index, 150)
        assert set(tiles.needed(ranges)) <= set(kept())
        assert tiles.hashes(ranges, kept()) == merkle.inclusion_proof(whole, index)


async def test_a_broken_event_is_a_leaf_and_parks_nothing_here(deployment: Deployment) -> None:
    await deployment.say(ADA, "before")
    await deployment.spoil(GENERAL, 3)
    await deployment.say(ADA, "after")
    await deployment.project()
    assert execute("SELECT tree_size FROM proof_size") == [(4,)]
    assert ("proof",) not in execute("SELECT projection FROM parked_room")


async def test_building_it_again_gives_the_same_tiles(deployment: Deployment) -> None:
    await deployment.fill(600)
    await deployment.project(Proof(), batch=97)
    before = tables()["proof_tile"]
    forget()
    await deployment.project(Proof())
    assert tables()["proof_tile"] == before


async def test_a_tree_that_was_damaged_stands_still_and_takes_nothing_with_it(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    await deployment.say(ADA, "one", "two")
    await deployment.project()
    execute("UPDATE proof_tile SET hashes = substr(hashes, 1, 32)")
    async with Running(deployment):
        (receipt,) = await deployment.say(ADA, "three", room=GARDEN)
        page = await deployment.page(GARDEN, min_position=receipt.position)
        assert said(page) == ["three"]
        await until(partial(_stands, caplog))
    assert execute("SELECT tree_size FROM proof_size") == [(3,)]
    assert execute("SELECT count(*) FROM parked_room") == [(0,)]


async def _stands(caplog: pytest.LogCaptureFixture) -> bool:
    return "projection proof cannot apply a batch: it stands still" in caplog.text


def test_a_node_that_was_not_kept_is_missed() -> None:
    with pytest.raises(TreeDamaged, match="node 1 of level 0"):
        tiles.hashes([range(1, 2)], {(0, 0): bytes(32)})
    with pytest.raises(TreeDamaged):
        tiles.hashes([range(2)], {})
    assert tiles.needed([range(300), range(3)]) == [(1, 0), (0, 1), (0, 0)]


def test_a_tile_is_full_with_256_hashes() -> None:
    assert Tile(0, 0, 1, 256, bytes(256 * 32)).is_full
    assert not Tile(0, 0, 1, 255, bytes(255 * 32)).is_full
    assert Tile(0, 0, 1, 2, bytes(64)).root() == merkle.node_hash(bytes(32), bytes(32))


async def test_a_tile_that_is_not_there_is_none(deployment: Deployment) -> None:
    assert on_django(partial(proof.tile, 0, 0)) is None
    assert on_django(proof.reached) == (0, 0)
