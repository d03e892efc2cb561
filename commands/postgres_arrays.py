"""Arrays as PostgreSQL's binary protocol wants them, packed in one go: several times faster than item by item."""

import struct
from collections.abc import Sequence
from itertools import chain, repeat
from typing import override

from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

_header = struct.Struct("!iiIii").pack
_length = struct.Struct("!i").pack
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
        return cls(_head(types["int4"].oid, items) + _fixed("i", 4, items))


class BigintArray(bytes):
    """`bigint[]` without NULLs."""

    @classmethod
    def of(cls, items: Sequence[int]) -> "BigintArray":
        return cls(_head(types["int8"].oid, items) + _fixed("q", 8, items))


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
    sized = chain.from_iterable([(_length(len(item)), item) for item in items])
    return _head(oid, items) + b"".join(sized)


def _fixed(code: str, size: int, items: Sequence[int]) -> bytes:
    return struct.pack("!" + f"i{code}" * len(items), *chain.from_iterable(zip(repeat(size), items)))


def _head(oid: int, items: Sequence[object]) -> bytes:
    return _header(1, _HAS_NO_NULLS, oid, len(items), 1)
