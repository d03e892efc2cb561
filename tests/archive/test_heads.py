"""Tree heads that were kept elsewhere: an export holds only if its tree had their roots on its way."""

from collections.abc import Sequence

import pytest
from django.conf import settings
from hypothesis import given as example
from hypothesis import strategies as st

from archive.checking import Check
from archive.heads import Published
from commands import merkle
from commands.clock import now_ms
from commands.merkle import Tree
from commands.treehead import Head, SignedHead
from tests.archive.conftest import PUBLIC_KEY, Server
from tests.cast import GARDEN, GENERAL
from tests.commands.test_merkle import leaves

HOUR_MS = 3_600_000


def head(size: int, root: bytes, ago_ms: int = 0) -> SignedHead:
    return settings.SIGNING_KEY.sign(Head(size, size, root, now_ms() - ago_ms))


def true_head(size: int) -> SignedHead:
    return head(size, merkle.root(leaves(size)))


@example(st.lists(st.integers(1, 60), max_size=6), st.lists(st.integers(0, 20), max_size=8))
def test_every_head_is_met_however_leaves_come(sizes: Sequence[int], portions: Sequence[int]) -> None:
    published, tree = Published([true_head(size) for size in sizes]), Tree()
    for portion in portions:
        published.grow(tree, leaves(tree.size + portion)[tree.size :])
    assert tree.root() == merkle.root(leaves(tree.size))
    assert published.held == len([size for size in sizes if size <= tree.size])
    assert (published.denied, published.left) == ([], len([size for size in sizes if size > tree.size]))


def test_a_head_within_a_subtree_is_passed_and_one_at_its_end_is_met() -> None:
    published, tree = Published([true_head(3), true_head(4), head(4, bytes(32))]), Tree()
    tree.add(merkle.root(leaves(4)), 2)
    published.meet(tree)
    assert (published.held, len(published.denied), published.left) == (1, 1, 1)


async def checked(server: Server, room: str | None, published: Sequence[SignedHead]) -> Check:
    check = Check({PUBLIC_KEY}, published)
    for _ in check.entries((await server.export(room)).splitlines(keepends=True)):
        pass
    return check


@pytest.mark.parametrize("size", [1, 5, 19])
async def test_an_export_of_everything_is_held_against_every_head(server: Server, size: int) -> None:
    events = await server.deployment.log.read_recorded(after=0, limit=100)
    root = merkle.root([merkle.leaf_of(event) for event in events[:size]])
    check = await checked(server, None, [head(size, root)])
    assert (check.findings, check.published.held, check.published.left) == ([], 1, 0)
    check = await checked(server, None, [head(size, bytes(32))])
    assert [f"the tree head of {size} events that was kept elsewhere" in each.says for each in check.findings] == [True]


async def test_one_of_a_room_only_where_it_has_all_events_before(server: Server) -> None:
    events = await server.deployment.log.read_recorded(after=0, limit=100)
    roots = [merkle.root([merkle.leaf_of(event) for event in events[:size]]) for size in (1, 2, 4, 19, 19)]
    heads = [head(size, root) for size, root in zip((1, 2, 4, 19, 30), roots, strict=True)]
    check = await checked(server, GENERAL, heads)
    assert (check.findings, check.published.held, check.published.left) == ([], 4, 1)
    check = await checked(server, GARDEN, heads)
    assert (check.findings, check.published.held + check.published.left) == ([], 5)


@pytest.mark.parametrize("room", [GENERAL, None])
async def test_a_head_that_is_larger_and_older_shows_that_the_tail_was_cut_off(
    server: Server, room: str | None
) -> None:
    check = await checked(server, room, [head(30, bytes(32), HOUR_MS), head(31, bytes(32))])
    [found] = check.findings
    assert "the tree head of 30 events that was kept elsewhere" in found.says
    assert "its tail was cut off" in found.says
    assert (check.published.held, check.published.left) == (0, 1), "the other one may be newer than the export"
