"""Whether an NDJSON export is what it says: offline, from the file alone and, for its signatures, a public key.

A file is read from top to bottom, at constant memory. Every finding names its line, and its event where there is one.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from archive import lines, manifest
from archive.heads import Published
from archive.lines import FORMAT, UNREADABLE, VERSION, Header, Line
from archive.manifest import Account, Manifest
from archive.regrowing import Regrown, numbers
from archive.signatures import is_manifest_signed
from archive.stored import is_as_stored
from commands.clock import rfc3339
from commands.treehead import SignedHead

MAX_LINE_BYTES = 8 * 1024 * 1024
MAX_NAMED = 1000
"""So many findings are named; of more, the number."""


class Finding(NamedTuple):
    """What is wrong, and in which line of the file."""

    line: int
    says: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.says}"


class Entry(NamedTuple):
    """A line that tells an event, and its number."""

    number: int
    line: Line


def raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, each with its end of line; of one that is too long to be ours, pieces."""
    return iter(partial(file.readline, MAX_LINE_BYTES), b"")


class Check:
    """Checks one file; its signatures only if it is told which keys are `trusted`.

    `published` are tree heads from elsewhere, which were signed with one of them. `entries` yields what is in it;
    whatever is wrong goes into `findings` as it is found. `unnamed` is how much more is wrong than could be named.
    """

    def __init__(self, trusted: Collection[bytes] | None = None, published: Sequence[SignedHead] = ()) -> None:
        self.published = Published(published)
        self.findings: list[Finding] = []
        self.unnamed = 0
        self.header: Header | None = None
        self.manifest: Manifest | None = None
        self.account = Account()
        self._trusted = trusted
        self._tree = Regrown(self.published)
        self._number = 0
        self._position = 0
        self._heads: dict[str, int] = {}

    @property
    def proved(self) -> int:
        """How many events were shown to be in the tree."""
        return self._tree.leaves if self._tree.is_proved else 0

    def entries(self, raw: Iterable[bytes]) -> Iterator[Entry]:
        """Every event of the file, in its order. `raw` are its lines, each with its end of line."""
        for written in raw:
            self._number += 1
            line = written.removesuffix(b"\n")
            if self.manifest is not None:
                self._find("something stands after the manifest")
                return
            if self._number == 1:
                self.header = self._header(line)
                if self.header is None:
                    return
                self.account.add(written)
            elif line.startswith(manifest.BEGINS):
                self._last(line)
            elif entry := self._event(line, written):
                yield entry
        if self.manifest is None:
            self._find(f"the file ends here, {self._whereabouts()}: its manifest, and what else was there, is missing")

    def _header(self, line: bytes) -> Header | None:
        try:
            header = lines.decode_header(line)
        except UNREADABLE:
            header = None
        if header is None or header.format != FORMAT:
            self._find("this is no export of Verbatim")
            return None
        if header.version != VERSION:
            self._find(f"this is version {header.version} of the format; this program knows version {VERSION}")
            return None
        return header

    def _event(self, line: bytes, written: bytes) -> Entry | None:
        self.account.add(written)
        try:
            told = lines.decode(line)
        except UNREADABLE as error:
            self._find(f"this is no event, or was changed ({error}), {self._whereabouts()}")
            self._tree.spoil()
            return None
        if not lines.is_whole(line):
            self._find(f"{_named(told)} was changed: the line does not match its own check")
        self._place(told)
        if not is_as_stored(told):
            self._find(f"{_named(told)} was changed: what the line tells is not what it says is stored")
        missing = self._tree.grow(told)
        if missing and self._is_complete:
            self._find(f"{numbers(missing)} missing before {_named(told)}")
        self.account.enter(told.stream, told.seq, told.position)
        self.account.add_content(lines.content_of(line) + b"\n")
        return Entry(self._number, told)

    @property
    def _is_complete(self) -> bool:
        """Whether the file has to have every event that there was."""
        return self.header is not None and self.header.room is None and self.header.as_of is None

    def _place(self, line: Line) -> None:
        """Every stream's seqs are 1, 2, 3 …, and positions rise."""
        last = self._heads.get(line.stream, 0)
        if line.seq > last + 1:
            missing = f"{last + 1}" if line.seq == last + 2 else f"{last + 1} to {line.seq - 1}"
            self._find(f"{line.stream}/{missing} is missing before {_named(line)}")
        elif line.seq <= last:
            self._find(f"{_named(line)} is in the wrong place, or here twice: it comes after {line.stream}/{last}")
        elif line.position <= self._position:
            self._find(f"{_named(line)} has position {line.position}, but comes after {self._position}")
        self._heads[line.stream] = max(last, line.seq)
        self._position = max(self._position, line.position)

    def _last(self, line: bytes) -> None:
        try:
            signed = manifest.decode_signed(line)
            self.manifest = said = manifest.decode(signed.manifest)
        except UNREADABLE as error:
            self._find(f"this is no manifest, or was changed ({error})")
            return
        if self._trusted is not None and not any(is_manifest_signed(signed, key) for key in self._trusted):
            self._find("the manifest was not signed by a key that is trusted, or was changed")
        self._compare(said)
        for wrong in self._tree.end(said, self._trusted, is_complete=self._is_complete):
            self._find(wrong)
        for kept in self.published.denied:
            self._find(f"{_head_named(kept)} has another root: an event before it is not what it was")
        for kept in self.published.outlived:
            self._find(f"{_head_named(kept)} has more events than the tree that was signed later: its tail was cut off")

    def _compare(self, said: Manifest) -> None:
        """The manifest with what was read."""
        assert self.header is not None
        if (said.room, said.view, said.as_of) != (self.header.room, self.header.view, self.header.as_of):
            self._find("the manifest is another export's: room, view or moment are not those of the first line")
        came = self.account.manifest(room=said.room, view=said.view, as_of=said.as_of, exported_at=said.exported_at)
        for name in ("lines", "streams", "first_seq", "last_seq", "first_position", "last_position"):
            if (expected := getattr(said, name)) != (found := getattr(came, name)):
                self._find(f"by the manifest {name.replace('_', ' ')} is {expected}, in the file it is {found}")
        if said.sha256 != came.sha256:
            self._find("the file was changed: its SHA-256 is not the one of the manifest")
        elif said.content_sha256 != came.content_sha256:
            self._find("the content's SHA-256 is not the one of the manifest")

    def _whereabouts(self) -> str:
        last = self.account.last_name
        return f"after {last}" if last else "before the first event"

    def _find(self, says: str) -> None:
        if len(self.findings) < MAX_NAMED:
            self.findings.append(Finding(max(self._number, 1), says))
        else:
            self.unnamed += 1


def _named(line: Line) -> str:
    return f"{line.stream}/{line.seq}"


def _head_named(kept: SignedHead) -> str:
    return (
        f"the tree head of {kept.head.tree_size} events that was kept elsewhere (signed at "
        f"{rfc3339(kept.head.signed_at)})"
    )
