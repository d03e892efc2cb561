"""Signed tree heads: what is signed, by which key, and that nothing else is."""

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from commands import treehead
from commands.treehead import Head, SigningKey
from tests.cast import NOON

HEAD = Head(1_000, 1_003, bytes(range(32)), NOON)
KEY = SigningKey(bytes(32))


def test_what_is_signed_is_five_lines_of_ascii() -> None:
    assert treehead.canonical(HEAD).decode() == (
        "verbatim tree head 1\n1000\n1003\n"
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n2026-11-22T12:00:00.000Z\n"
    )


def test_anybody_can_verify_a_head_with_plain_ed25519() -> None:
    signed = KEY.sign(HEAD)
    Ed25519PublicKey.from_public_bytes(signed.public_key).verify(signed.signature, treehead.canonical(HEAD))
    assert treehead.is_signed(signed, KEY.public_key)


@pytest.mark.parametrize(
    "changed",
    [
        HEAD._replace(tree_size=999),
        HEAD._replace(position=1_004),
        HEAD._replace(root_hash=bytes(32)),
        HEAD._replace(signed_at=NOON + 1),
    ],
)
def test_a_head_that_says_something_else_is_not_signed(changed: Head) -> None:
    assert not treehead.is_signed(KEY.sign(HEAD)._replace(head=changed), KEY.public_key)


def test_a_head_is_signed_by_no_other_key() -> None:
    forged = SigningKey(b"\1" * 32).sign(HEAD)
    assert not treehead.is_signed(forged, KEY.public_key)
    assert not treehead.is_signed(forged._replace(public_key=KEY.public_key), KEY.public_key)
    assert not treehead.is_signed(KEY.sign(HEAD)._replace(public_key=forged.public_key), KEY.public_key)


@pytest.mark.parametrize("key", [bytes(32), b"\xff" * 32, b"short"])
def test_a_key_that_is_none_has_signed_nothing(key: bytes) -> None:
    assert not treehead.is_signed(KEY.sign(HEAD), key)


def test_a_derived_key_is_always_the_same_and_not_the_master_key() -> None:
    derived = SigningKey.derived(b"\2" * 32)
    assert derived.public_key == SigningKey.derived(b"\2" * 32).public_key
    assert derived.public_key not in (SigningKey(b"\2" * 32).public_key, SigningKey.derived(b"\3" * 32).public_key)


def test_a_key_is_passed_on_as_text() -> None:
    assert treehead.key_from_text(treehead.key_as_text(KEY.public_key)) == KEY.public_key


@pytest.mark.parametrize("text", ["", "nonsense", b64encode(bytes(31)).decode(), "ä" * 44])
def test_what_is_no_key_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64"):
        treehead.key_from_text(text)


def test_a_signed_head_comes_back_from_json() -> None:
    signed = KEY.sign(HEAD)
    sent = json.loads(json.dumps(treehead.members(signed)))
    assert sent["root_hash"].startswith("000102") and sent["signed_at"] == "2026-11-22T12:00:00.000Z"
    assert treehead.from_members(sent) == signed


@pytest.mark.parametrize(
    "changed",
    [
        {"tree_size": "many"},
        {"root_hash": "xyz"},
        {"root_hash": None},
        {"signed_at": "noon"},
        {"signature": "?"},
        {"public_key": "c2hvcnQ="},
    ],
)
def test_what_is_no_signed_head_is_not_taken_for_one(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no signed tree head"):
        treehead.from_members(treehead.members(KEY.sign(HEAD)) | changed)
