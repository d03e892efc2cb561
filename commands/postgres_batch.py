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
    condition_entries, condition_subjects, condition_seqs = [], [], []
    event_entries, topics, subjects, states = [], [], [], []
    for no, (_, conditions, events) in enumerate(batch, 1):
        for subject, after_seq in conditions:
            condition_entries.append(no)
            condition_subjects.append(subject)
            condition_seqs.append(after_seq)
        for topic, subject, state in events:
            event_entries.append(no)
            topics.append(topic)
            subjects.append(subject)
            states.append(state)
    return [
        TextArray.of(list(streams)),
        BigintArray.of(heads.known(streams)),
        IntArray.of(entry_streams),
        IntArray.of(condition_entries),
        TextArray.of(condition_subjects),
        BigintArray.of(condition_seqs),
        IntArray.of(event_entries),
        TextArray.of(topics),
        TextArray.of(subjects),
        BytesArray.of(states),
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
