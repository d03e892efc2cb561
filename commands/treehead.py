"""A tree head: how many events the log had at a time, and the root over all of them, signed (Ed25519)."""

from base64 import b64decode, b64encode
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from commands.clock import Milliseconds, from_rfc3339, rfc3339

KEY_BYTES = 32
_DERIVED_FOR = b"verbatim tree heads 1"


class Head(NamedTuple):
    """A tree of `tree_size` events, the last of which has this position, at a time (Unix milliseconds)."""

    tree_size: int
    position: int
    root_hash: bytes
    signed_at: Milliseconds


class SignedHead(NamedTuple):
    """A head, the signature over its canonical form (64 bytes), and the key that is said to have made it (32 bytes)."""

    head: Head
    signature: bytes
    public_key: bytes


class SigningKey:
    """Signs tree heads. The same 32 bytes are always the same key."""

    def __init__(self, secret: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret)
        self.public_key = self._key.public_key().public_bytes_raw()

    @classmethod
    def derived(cls, master_key: bytes) -> "SigningKey":
        """The key of a deployment that was given none of its own."""
        return cls(HKDF(SHA256(), KEY_BYTES, salt=None, info=_DERIVED_FOR).derive(master_key))

    def sign(self, head: Head) -> SignedHead:
        """Sign a head."""
        return SignedHead(head, self.sign_bytes(canonical(head)), self.public_key)

    def sign_bytes(self, data: bytes) -> bytes:
        """The signature over bytes whose beginning says what they are, so that they can be nothing else."""
        return self._key.sign(data)


def canonical(head: Head) -> bytes:
    """The bytes that are signed: five lines of ASCII, each with its end of line; the root is hexadecimal."""
    lines = ("verbatim tree head 1", head.tree_size, head.position, head.root_hash.hex(), rfc3339(head.signed_at))
    return "".join(f"{line}\n" for line in lines).encode()


def is_signed(signed: SignedHead, public_key: bytes) -> bool:
    """Whether this key, and no other, signed the head."""
    return is_signed_by(public_key, signed.signature, canonical(signed.head)) and signed.public_key == public_key


def is_signed_by(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether this key made the signature over these bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def members(signed: SignedHead) -> dict[str, Any]:
    """A signed head as JSON has it: the root is hexadecimal, the signature and the key are base64."""
    return {
        "tree_size": signed.head.tree_size,
        "position": signed.head.position,
        "root_hash": signed.head.root_hash.hex(),
        "signed_at": rfc3339(signed.head.signed_at),
        "signature": b64encode(signed.signature).decode(),
        "public_key": key_as_text(signed.public_key),
    }


def from_members(said: Any) -> SignedHead:
    """A signed head that somebody sent, not yet believed. Raises: ValueError for what is none."""
    try:
        size, position, root = int(said["tree_size"]), int(said["position"]), bytes.fromhex(said["root_hash"])
        head = Head(size, position, root, from_rfc3339(said["signed_at"]))
        return SignedHead(head, b64decode(said["signature"], validate=True), key_from_text(said["public_key"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"this is no signed tree head: {error}") from None


def key_from_text(text: str) -> bytes:
    """A key as people pass it on: 32 bytes in base64. Raises: ValueError."""
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError("a key is 32 bytes in base64")
    return key


def key_as_text(key: bytes) -> str:
    """A key as people pass it on, in base64."""
    return b64encode(key).decode()
