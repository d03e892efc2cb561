"""Checking an export, as somebody does who has the file and a public key, and no server."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper

from archive.checking import Check, raw_lines
from commands.treehead import SignedHead, is_signed
from config.printable import printable

READ_BYTES = 256 * 1024
"""So much is read at a time; of Python's usual 8 KiB, a line would take a sixth."""
MOST = 100
"""Findings that are told; a file with so many is another file."""


def verify_file(
    path: Path,
    trusted: Collection[bytes],
    published: Sequence[SignedHead],
    out: OutputWrapper,
    err: OutputWrapper,
) -> None:
    """Tell what an export proves; these are the public keys that may have signed it.

    `published` are heads that were kept elsewhere. Raises: CommandError when something was changed, removed, added or
    moved, after telling what.
    """
    for head in published:
        if not any(is_signed(head, key) for key in trusted):
            raise CommandError(
                f"--heads: that of {head.head.tree_size:,} events is not signed by a key that you trust."
            )
    check = Check(trusted, published)
    try:
        with path.open("rb", buffering=READ_BYTES) as file:
            for _ in check.entries(raw_lines(file)):
                pass
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    for finding in check.findings[:MOST]:
        err.write(printable(str(finding)))
    if found := len(check.findings) + check.unnamed:
        raise CommandError(f"{path} is not what was exported: {_many(found, 'finding')}.")
    out.write("\n".join(_summary(check)))


def _summary(check: Check) -> Iterator[str]:
    """What was shown of a file in which nothing is wrong."""
    said, account = check.manifest, check.account
    assert said is not None
    of = said.room or _many(said.streams, "stream")
    moment = "" if said.as_of is None else f" as of {said.as_of}"
    yield f"{_many(account.lines, 'event')} of {of}{moment}, exported at {said.exported_at} for {said.view}s."
    yield "Nothing is missing: every stream's seqs are 1, 2, 3 … up to its last one here."
    yield "The file is the one that was signed with this key, byte for byte."
    if check.proved and isinstance(said.tree_head, dict):
        head = said.tree_head
        yield (
            f"{_many(check.proved, 'event')} of these are in the tree of {head['tree_size']:,} events that was signed "
            f"at {head['signed_at']}, root {head['root_hash']}."
        )
        if said.room is None and said.as_of is None:
            yield "Every event that is in the tree is here."
        elif said.room is None:
            left_out = head["tree_size"] - check.proved
            yield f"Of those in the tree {_many(left_out, 'event')} are not here: later ones, as the server says."
    if check.published.held:
        yield f"{_many(check.published.held, 'tree head')} that you kept: every one of them holds."
    if check.published.left:
        heads = _many(check.published.left, "tree head")
        yield f"Not compared: {heads}, since this file does not have all events before them (ask log/consistency)."
    if left := account.lines - check.proved:
        yield f"Not in the tree: {_many(left, 'event')}, for which the signature of the file speaks alone."


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
