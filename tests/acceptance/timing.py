"""How long things took in a history."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from tests.acceptance.history import Acknowledged, CutOff, Mended, Record, Resumed, Seen, Sent, Struck, Subscribed


class Recovery(NamedTuple):
    """How many seconds after a fault was over somebody was told that what they sent since then is there."""

    fault: str
    took_s: float


def recoveries(records: Sequence[Record]) -> list[Recovery]:
    """One for each fault that is over."""
    sent: dict[tuple[str, str], float] = {}
    answered: list[tuple[float, float]] = []
    for record in records:
        if isinstance(record, Sent):
            sent[record.connection, record.client_msg_id] = record.at
        elif isinstance(record, Acknowledged) and (who := (record.connection, record.client_msg_id)) in sent:
            answered.append((sent[who], record.at))
    answered.sort()
    earliest = [*accumulate((at for _, at in reversed(answered)), min, initial=float("inf"))][::-1]
    return [
        Recovery(record.fault, earliest[bisect_left(answered, (record.at, 0.0))] - record.at)
        for record in records
        if isinstance(record, Mended)
    ]


def span(records: Sequence[Record], fault: str) -> tuple[float, float]:
    """When a fault, the last of its name, began and was over."""
    struck = [record.at for record in records if isinstance(record, Struck) and record.fault == fault]
    mended = [record.at for record in records if isinstance(record, Mended) and record.fault == fault]
    return struck[-1], mended[-1]


def resumptions(records: Sequence[Record]) -> list[float]:
    """How many seconds clients that were cut off went without service, each time, in order."""
    away: dict[str, float] = {}
    took_s = []
    for record in records:
        if isinstance(record, CutOff):
            away[record.client] = record.at
        elif isinstance(record, Resumed):
            took_s.append(record.at - away.pop(record.client))
    return sorted(took_s)


def deliveries(records: Sequence[Record], since: float, until: float) -> list[float]:
    """Seconds from the sending of a message to each watcher that was there, of all first sent in that time."""
    began: dict[tuple[str, str | None], float] = {}
    there: dict[str, float] = {}
    took_s = []
    for record in records:
        if isinstance(record, Sent):
            began.setdefault((record.room, record.message), record.at)
        elif isinstance(record, Subscribed):
            there.setdefault(record.watcher, record.at)
        elif isinstance(record, Seen):
            at = began.get((record.room, record.message), until)
            if max(since, there[record.watcher]) <= at < until:
                took_s.append(record.at - at)
    return took_s


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so many (0 … 1) are not above."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def rate(records: Sequence[Record]) -> float:
    """Acknowledged messages per second, while nothing was struck."""
    times = [record.at for record in records if isinstance(record, Acknowledged)]
    begins = [times[0], *(record.at for record in records if isinstance(record, Mended))]
    ends = [*(record.at for record in records if isinstance(record, Struck)), times[-1]]
    calm = list(zip(begins, ends, strict=True))
    acknowledged = sum(bisect_left(times, end) - bisect_left(times, begin) for begin, end in calm)
    return acknowledged / sum(end - begin for begin, end in calm)
