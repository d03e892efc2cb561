"""A batch on its way to the append function of postgres_schema.py, and its answer on the way back."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from commands.events import Numbered
from commands.postgres_arrays import BigintArray, BytesArray, IntArray, TextArray
from commands.store import Conflict, Entry, Outcome

MAX_REMEMBERED = 50_000


class Heads:
    """Seqs that streams have reached for sure: the append function looks for a head from there on."""

    def __init__(self) -> None:
        self._heads: OrderedDict[str, int] = OrderedDict()

    def known(self, streams: Iterable[str]) -> list[int]:
        return [self._heads.get(stream, 0) for stream in streams]

    def learn(self, batch: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        """Remember where the accepted entries of a batch ended; the longest known are forgotten beyond a bound."""
        for entry, outcome in zip(batch, outcomes, strict=True):
            if outcome and not isinstance(outcome, Conflict):
                self._heads[entry.stream] = max(outcome[-1].seq, self._heads.pop(entry.stream, 0))
        while len(self._heads) > MAX_REMEMBERED:
            self._heads.popitem(last=False)


def pack(batch: Sequence[Entry], heads: Heads) -> list[bytes]:
    """The parameters of the append function up to `resolve`, in its order."""
    streams: dict[str, int] = {}
    entry_streams = [streams.setdefault(entry.stream, len(streams) + 1) for entry in batch]
    conditions = [(no, condition) for no, entry in enumerate(batch, 1) for condition in entry.conditions]
    events = [(no, event) for no, entry in enumerate(batch, 1) for event in entry.events]
    return [
        TextArray.of(list(streams)),
        BigintArray.of(heads.known(streams)),
        IntArray.of(entry_streams),
        IntArray.of([no for no, _ in conditions]),
        TextArray.of([condition.subject for _, condition in conditions]),
        BigintArray.of([condition.after_seq for _, condition in conditions]),
        IntArray.of([no for no, _ in events]),
        TextArray.of([event.topic for _, event in events]),
        TextArray.of([event.subject for _, event in events]),
        BytesArray.of([event.state for _, event in events]),
    ]


def unpack(rows: Iterable[tuple[int, int | None, int]], size: int) -> list[Outcome]:
    """The outcomes of a batch of `size` entries from rows of entry number, seq and position; no seq is a conflict."""
    numbered: list[list[Numbered]] = [[] for _ in range(size)]
    refused = set()
    for no, seq, position in rows:
        if seq is None:
            refused.add(no - 1)
        else:
            numbered[no - 1].append(Numbered(seq, position))
    return [Conflict() if no in refused else numbers for no, numbers in enumerate(numbered)]
