"""The signature of a manifest: by the key that signs the tree's heads, over the manifest's own bytes."""

from archive.manifest import SIGNED_AS, Signed, encode_signed
from commands.treehead import SigningKey, is_signed_by


def sign(encoded: bytes, key: SigningKey) -> bytes:
    """The last line of an export, from its manifest as it is encoded."""
    return encode_signed(encoded, key.sign_bytes(SIGNED_AS + encoded), key.public_key)


def is_manifest_signed(signed: Signed, public_key: bytes) -> bool:
    """Whether this key, and no other, signed the manifest."""
    if not isinstance(signed.signature, bytes):
        return False
    return is_signed_by(public_key, signed.signature, SIGNED_AS + bytes(signed.manifest))
