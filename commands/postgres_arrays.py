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
_HAS_NO_NULLS = 0


class TextArray(bytes):
    """`text[]` without NULLs."""

    @classmethod
    def of(cls, items: Sequence[str]) -> "TextArray":
        """Raises: UnicodeEncodeError for unpaired surrogates."""
        return cls(_pack(types["text"].oid, [item.encode() for item in items]))


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


def _pack(oid: int, items: Sequence[bytes]) -> bytes:
    packed = [_head(oid, items)]
    for item in items:
        packed += (_length(len(item)), item)
    return b"".join(packed)


def _fixed(oid: int, pack: Callable[[int, int], bytes], size: int, items: Sequence[int]) -> bytes:
    return b"".join([_head(oid, items), *[pack(size, item) for item in items]])


def _head(oid: int, items: Sequence[object]) -> bytes:
    return _header(1, _HAS_NO_NULLS, oid, len(items), 1)
