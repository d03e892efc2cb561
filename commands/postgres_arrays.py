"""Arrays as PostgreSQL's binary protocol wants them, packed in one go: several times faster than item by item."""

import struct
from collections.abc import Callable, Sequence
from typing import override

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

_header = struct.Struct("!iiIii").pack
_length = struct.Struct("!i").pack
_int4 = struct.Struct("!ii").pack
_int8 = struct.Struct("!iq").pack
_NULL = _length(-1)


class TextArray(bytes):
    """`text[]`."""

    @classmethod
    def of(cls, items: Sequence[str | None]) -> "TextArray":
        """Raises: UnicodeEncodeError for unpaired surrogates."""
        return cls(_pack(types["text"].oid, [None if item is None else item.encode() for item in items]))


class BytesArray(bytes):
    """`bytea[]` without NULLs."""

    @classmethod
    def of(cls, items: Sequence[bytes]) -> "BytesArray":
        return cls(_pack(types["bytea"].oid, items))


class IntArray(bytes):
    """`int[]` without NULLs."""

    @classmethod
    def of(cls, items: Sequence[int]) -> "IntArray":
        return cls(_fixed(types["int4"].oid, _int4, 4, items))


class BigintArray(bytes):
    """`bigint[]` without NULLs."""

    @classmethod
    def of(cls, items: Sequence[int]) -> "BigintArray":
        return cls(_fixed(types["int8"].oid, _int8, 8, items))


def register(context: AdaptContext) -> None:
    """Let these arrays be parameters of a connection's statements."""
    for array, item in ((TextArray, "text"), (BytesArray, "bytea"), (IntArray, "int4"), (BigintArray, "int8")):
        context.adapters.register_dumper(
            array, type(f"{array.__name__}Dumper", (_Packed,), {"oid": types[item].array_oid})
        )


class _Packed(Dumper):
    format = Format.BINARY

    @override
    def dump(self, obj: Buffer) -> Buffer:
        return obj


def _pack(oid: int, items: Sequence[bytes | None]) -> bytes:
    packed = [_header(1, None in items, oid, len(items), 1)]
    for item in items:
        packed += (_NULL, b"") if item is None else (_length(len(item)), item)
    return b"".join(packed)


def _fixed(oid: int, pack: Callable[[int, int], bytes], size: int, items: Sequence[int]) -> bytes:
    return b"".join([_header(1, 0, oid, len(items), 1), *[pack(size, item) for item in items]])
