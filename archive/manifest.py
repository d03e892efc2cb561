"""The manifest: what an export says of itself in its last line, signed."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from archive.lines import FORMAT, VERSION

SIGNED_AS = b"verbatim export 1\n"
"""What stands before the manifest in what is signed: a signature of this kind is good for nothing else."""
BEGINS = b'{"manifest":'
"""By this the last line is known."""
_encode = msgspec.json.Encoder().encode


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What all lines before it come to. `gap` are the hashes of the subtrees after the last event."""

    format: str = FORMAT
    version: int = VERSION
    view: str
    room: str | None
    as_of: int | str | None
    exported_at: str
    lines: int
    streams: int
    first_seq: int | None
    last_seq: int | None
    first_position: int | None
    last_position: int | None
    sha256: str
    content_sha256: str
    gap: Sequence[bytes] | UnsetType = UNSET
    tree_head: dict[str, Any] | UnsetType = UNSET


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The last line: the manifest, byte for byte as it was signed, and the signature (base64)."""

    manifest: msgspec.Raw
    signature: bytes | UnsetType = UNSET
    public_key: bytes | UnsetType = UNSET


decode_signed = msgspec.json.Decoder(Signed).decode
decode = msgspec.json.Decoder(Manifest).decode


class Account:
    """What was written, or read, so far. Its size is that of the number of streams."""

    def __init__(self) -> None:
        self.lines = 0
        self.begun = False
        self.seqs: dict[str, int] = {}
        self._stream = ""
        self._first: tuple[int, int] | None = None
        self._last: tuple[int, int] | None = None
        self._bytes = sha256()
        self._content = sha256()

    def add(self, written: bytes) -> None:
        """Count what was written."""
        self.begun = True
        self._bytes.update(written)

    @property
    def sha256(self) -> str:
        """The hash over all that was written."""
        return self._bytes.hexdigest()

    @property
    def last_name(self) -> str:
        """The last event, as in `garden/17`; nothing if there was none."""
        return f"{self._stream}/{self._last[0]}" if self._last else ""

    def add_content(self, content: bytes) -> None:
        """Count what of events is content, each with its end of line."""
        self._content.update(content)

    def enter(self, stream: str, seq: int, position: int) -> None:
        """Count an event, or a message."""
        self.lines += 1
        self.seqs[stream] = seq
        self._stream = stream
        self._first = self._first or (seq, position)
        self._last = (seq, position)

    def manifest(self, *, room: str | None, **more: Any) -> Manifest:
        """What it comes to."""
        alone = room is not None
        first_seq, first_position = self._first or (None, None)
        last_seq, last_position = self._last or (None, None)
        return Manifest(
            room=room,
            lines=self.lines,
            streams=len(self.seqs),
            first_seq=first_seq if alone else None,
            last_seq=last_seq if alone else None,
            first_position=first_position,
            last_position=last_position,
            sha256=self.sha256,
            content_sha256=self._content.hexdigest(),
            **more,
        )


def encode(manifest: Manifest) -> bytes:
    """The manifest as it is signed and sent."""
    return _encode(manifest)


def encode_signed(encoded: bytes, signature: bytes | None, public_key: bytes | None) -> bytes:
    """The last line."""
    return _encode(
        Signed(
            manifest=msgspec.Raw(encoded),
            signature=UNSET if signature is None else signature,
            public_key=UNSET if public_key is None else public_key,
        )
    )
