"""The tree: the vectors of RFC 6962's first implementation, and the RFC's own recursive definitions."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given as example
from hypothesis import strategies as st

from commands import merkle
from commands.merkle import Node, Tree
from commands.store import Recorded

DATA = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
LEAVES = [merkle.leaf_hash(bytes.fromhex(data)) for data in DATA]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEFT_OF_3 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
SECOND_PAIR = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
SECOND_HALF = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
THIRD_PAIR = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
LAST_PAIR = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
FIRST_HALF = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [SECOND, SECOND_PAIR, SECOND_HALF]),
    (5, 8, [FIFTH, LAST_PAIR, FIRST_HALF]),
    (2, 3, [LEFT_OF_3]),
    (1, 5, [ROOTS[0], SECOND_PAIR, FIFTH]),
]
GROWTHS = [
    (1, 1, []),
    (1, 8, [SECOND, SECOND_PAIR, SECOND_HALF]),
    (6, 8, [THIRD_PAIR, LAST_PAIR, FIRST_HALF]),
    (2, 5, [SECOND_PAIR, FIFTH]),
]
SIZES = st.integers(1, 70)


def leaves(size: int) -> list[bytes]:
    return [merkle.leaf_hash(bytes([number])) for number in range(size)]


def split(size: int) -> int:
    """RFC 9162, 2.1.1: the largest power of two smaller than the size."""
    half = 1
    while half * 2 < size:
        half *= 2
    return half


def mth(part: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1."""
    if len(part) == 1:
        return part[0]
    half = split(len(part))
    return sha256(b"\1" + mth(part[:half]) + mth(part[half:])).digest()


def path(index: int, part: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1."""
    if len(part) == 1:
        return []
    half = split(len(part))
    if index < half:
        return [*path(index, part[:half]), mth(part[half:])]
    return [*path(index - half, part[half:]), mth(part[:half])]


def subproof(first: int, part: list[bytes], *, known: bool = True) -> list[bytes]:
    """RFC 9162, 2.1.4.1."""
    if first == len(part):
        return [] if known else [mth(part)]
    half = split(len(part))
    if first <= half:
        return [*subproof(first, part[:half], known=known), mth(part[half:])]
    return [*subproof(first - half, part[half:], known=False), mth(part[:half])]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSIONS)
def test_inclusion_proofs_are_those_of_certificate_transparency(index: int, size: int, proof: list[str]) -> None:
    assert [each.hex() for each in merkle.inclusion_proof(LEAVES[:size], index)] == proof
    given = [bytes.fromhex(each) for each in proof]
    assert merkle.includes(LEAVES[index], index, size, given, bytes.fromhex(ROOTS[size - 1]))


@pytest.mark.parametrize(("first", "second", "proof"), GROWTHS)
def test_consistency_proofs_are_those_of_certificate_transparency(first: int, second: int, proof: list[str]) -> None:
    assert [each.hex() for each in merkle.consistency_proof(LEAVES[:second], first)] == proof
    roots = [bytes.fromhex(ROOTS[size - 1]) for size in (first, second)]
    assert merkle.grew(first, second, roots[0], roots[1], [bytes.fromhex(each) for each in proof])


def test_a_tree_of_nothing_has_the_hash_of_nothing() -> None:
    assert merkle.root([]) == merkle.EMPTY == sha256(b"").digest() == Tree().root()


@example(SIZES, st.data())
def test_roots_and_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    index, first = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    whole = leaves(size)
    assert merkle.root(whole) == mth(whole)
    assert merkle.inclusion_proof(whole, index) == path(index, whole)
    assert merkle.consistency_proof(whole, first) == subproof(first, whole)


@example(SIZES, st.data())
def test_what_is_proved_is_so_and_nothing_else_is(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    whole = leaves(size)
    proof, root = merkle.inclusion_proof(whole, index), merkle.root(whole)
    assert merkle.includes(whole[other], index, size, proof, root) == (other == index)
    assert not merkle.includes(whole[index], index, size, proof, merkle.EMPTY)
    assert not merkle.includes(whole[index], index, size, [*proof, root], root)
    assert not merkle.includes(whole[index], size, size, proof, root)
    if proof:
        assert not merkle.includes(whole[index], index, size, proof[:-1], root)
        assert not merkle.includes(whole[index], index, size, [*proof[:-1], merkle.EMPTY], root)


@example(SIZES, st.data())
def test_a_tree_grew_from_its_beginning_and_from_no_other(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    changed = data.draw(st.integers(0, first - 1))
    whole = leaves(size)
    was, now, proof = merkle.root(whole[:first]), merkle.root(whole), merkle.consistency_proof(whole, first)
    assert merkle.grew(first, size, was, now, proof)
    forged = merkle.root([*whole[:changed], merkle.EMPTY, *whole[changed + 1 : first]])
    assert not merkle.grew(first, size, forged, now, proof)
    assert not merkle.grew(first, size, was, merkle.EMPTY, proof)
    assert not merkle.grew(first, size, was, now, [*proof, now])
    assert not merkle.grew(0, size, was, now, proof)
    assert not merkle.grew(size + 1, size, was, now, proof)
    if proof:
        assert not merkle.grew(first, size, was, now, proof[:-1])
        assert not merkle.grew(first, size, was, now, [])


@example(st.integers(0, 300), st.integers(0, 300))
def test_a_range_is_covered_by_the_complete_subtrees_in_it(begin: int, end: int) -> None:
    covered = [
        leaf
        for level, number in merkle.nodes(range(begin, end))
        for leaf in range(number << level, (number + 1) << level)
    ]
    assert covered == list(range(begin, end))
    assert len(list(merkle.nodes(range(begin, end)))) <= 16


@example(SIZES, st.data())
def test_a_tree_that_grows_by_leaves_and_subtrees_has_the_same_root(size: int, data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.integers(0, size - 1)))
    whole, tree = leaves(size), Tree()
    for index in [*sorted(kept), size]:
        for level, number in merkle.nodes(range(tree.size, index)):
            tree.add(merkle.root(whole[number << level : (number + 1) << level]), level)
        if index < size:
            tree.add(whole[index])
    assert (tree.size, tree.root()) == (size, mth(whole))


@example(SIZES, st.data())
def test_a_tree_that_grows_by_many_leaves_at_once_has_the_same_root(size: int, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.sets(st.integers(0, size))) | {0, size})
    whole, tree = leaves(size), Tree()
    for begin, end in pairwise(ends):
        tree.extend(whole[begin:end])
    assert (tree.size, tree.root()) == (size, mth(whole))


@example(SIZES)
def test_the_root_over_all_comes_of_complete_subtrees(size: int) -> None:
    whole = leaves(size)

    def hash_of(node: Node) -> bytes:
        return merkle.root(whole[node.number << node.level : (node.number + 1) << node.level])

    assert merkle.range_hash(range(size), hash_of) == mth(whole)
    assert merkle.range_hash(range(0), hash_of) == merkle.EMPTY


def test_a_subtree_begins_only_where_one_of_its_size_may() -> None:
    tree = Tree()
    tree.add(LEAVES[0])
    with pytest.raises(ValueError, match="no subtree of level 1 begins at leaf 1"):
        tree.add(merkle.root(LEAVES[:2]), 1)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 3), (3, 3)])
def test_what_is_not_in_a_tree_cannot_be_proved(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="is not in a tree"):
        merkle.inclusion_proof(LEAVES[:size], index)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3)])
def test_a_tree_does_not_grow_from_a_larger_one_or_from_none(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="did not grow"):
        merkle.consistency_proof(LEAVES[:second], first)


def test_a_leaf_covers_everything_that_is_stored_of_an_event() -> None:
    event = Recorded(7, "general", 3, "message.posted", "message:1", b'{"sealed":"x"}')
    assert merkle.leaf_data(event) == b'7\ngeneral\n3\nmessage.posted\nmessage:1\n{"sealed":"x"}'
    others = [
        event._replace(position=8),
        event._replace(stream="garden"),
        event._replace(seq=4),
        event._replace(topic="message.edited"),
        event._replace(subject="message:2"),
        event._replace(state=b'{"sealed":"y"}'),
    ]
    assert len({merkle.leaf_of(each) for each in (event, *others)}) == 7
