"""What must hold of a history, whatever was done to the server meanwhile.

`check` compares what clients did and saw with the log that the store has in the end, and with all that can be read of
it; it answers one sentence for every promise that was broken. It knows nothing of faults, so that any may be put under
it. A message that was never acknowledged may be there or not: a time-out says nothing.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import Literal, NamedTuple

from tests.acceptance.history import Acknowledged, Read, Record, Seen, Sent, Subscribed


class Logged(NamedTuple):
    """One event as the store has it in the end."""

    position: int
    room: str
    seq: int
    person: str
    message_id: str | None = None
    client_msg_id: str | None = None
    message: str | None = None


class Line(NamedTuple):
    """One event as somebody reads it; of other things than messages there are only the places."""

    seq: int
    position: int
    message_id: str | None = None
    message: str | None = None


class View(NamedTuple):
    """A room as one source has it in the end, by seq: its messages, all events, or no more than their places."""

    source: str
    room: str
    lines: list[Line]
    shows: Literal["messages", "events", "places"] = "messages"


type Rooms = Mapping[str, list[Logged]]


def check(records: Sequence[Record], log: Sequence[Logged], views: Iterable[View] = ()) -> list[str]:
    """Every broken promise in a sentence of its own; none is what we hope for."""
    acknowledged = [record for record in records if isinstance(record, Acknowledged)]
    sent = [record for record in records if isinstance(record, Sent)]
    if not acknowledged:
        return ["nothing was acknowledged: this run shows nothing"]
    rooms = by_room(log)
    return [
        *numbering(rooms),
        *durability(acknowledged, log),
        *answers(acknowledged),
        *inventions(sent, log),
        *order(sent, acknowledged),
        *precedence(sent, acknowledged, log),
        *sight(records, rooms),
        *reading((record for record in records if isinstance(record, Read)), rooms),
        *agreement(views, rooms),
    ]


def by_room(log: Iterable[Logged]) -> Rooms:
    """Every room's events, by seq."""
    rooms: dict[str, list[Logged]] = defaultdict(list)
    for event in sorted(log, key=lambda event: event.seq):
        rooms[event.room].append(event)
    return rooms


def numbering(rooms: Rooms) -> Iterator[str]:
    """A room's seqs are 1 … n, and positions rise with them and are nobody else's."""
    for room, events in rooms.items():
        if [event.seq for event in events] != list(range(1, len(events) + 1)):
            yield f"#{room}: seq is not 1 … {len(events)}"
        if any(one.position >= other.position for one, other in pairwise(events)):
            yield f"#{room}: position does not rise with seq"
    positions = [event.position for events in rooms.values() for event in events]
    if len(set(positions)) != len(positions):
        yield "two events have one position"


def durability(acknowledged: Iterable[Acknowledged], log: Iterable[Logged]) -> Iterator[str]:
    """What was acknowledged is in its room, once, where the acknowledgement said."""
    found: dict[tuple[str, str, str | None], list[Logged]] = defaultdict(list)
    for event in log:
        if event.message_id is not None:
            found[event.room, event.person, event.client_msg_id].append(event)
    for who, events in found.items():
        if len(events) > 1:
            yield f"{who}: is in its room {len(events)} times"
    for ack in acknowledged:
        there = found.get((ack.room, ack.person, ack.client_msg_id), [])
        where = (ack.seq, ack.position, ack.message_id)
        if where not in [(event.seq, event.position, event.message_id) for event in there]:
            yield f"#{ack.room}: {ack.client_msg_id} was acknowledged as seq {ack.seq} and is not there"


def answers(acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    """Every acknowledgement of one message says the same, and one at most that it is the first."""
    given: dict[tuple[str, str, str], set[tuple[str, int, int]]] = defaultdict(set)
    first: Counter[tuple[str, str, str]] = Counter()
    for ack in acknowledged:
        who = (ack.room, ack.person, ack.client_msg_id)
        given[who].add((ack.message_id, ack.seq, ack.position))
        first[who] += not ack.duplicate
    yield from (f"{who}: was acknowledged in {len(places)} places" for who, places in given.items() if len(places) > 1)
    yield from (f"{who}: was new {times} times" for who, times in first.items() if times > 1)


def inventions(sent: Iterable[Sent], log: Iterable[Logged]) -> Iterator[str]:
    """Nobody said what they did not send."""
    known = {(record.room, record.person, record.client_msg_id, record.message) for record in sent}
    for event in log:
        said = (event.room, event.person, event.client_msg_id, event.message)
        if event.message_id is not None and said not in known:
            yield f"#{event.room} {event.seq}: {event.person} never sent this"


def order(sent: Iterable[Sent], acknowledged: Iterable[Acknowledged]) -> Iterator[str]:
    """What was sent one after the other on one connection stands in the room in that order."""
    seqs = {(ack.connection, ack.room, ack.client_msg_id): ack.seq for ack in acknowledged if not ack.duplicate}
    last: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for record in sent:
        line = last[record.connection, record.room]
        line.pop(record.client_msg_id, None)
        line[record.client_msg_id] = None
    for (connection, room), line in last.items():
        places = [seqs[connection, room, one] for one in line if (connection, room, one) in seqs]
        if places != sorted(places):
            yield f"#{room}: what {connection} sent stands in another order"


def precedence(sent: Iterable[Sent], acknowledged: Iterable[Acknowledged], log: Iterable[Logged]) -> Iterator[str]:
    """What was acknowledged before anybody began to send something else stands before it."""
    began: dict[tuple[str, str, str | None], float] = {}
    for record in sent:
        began.setdefault((record.room, record.person, record.client_msg_id), record.at)
    told = sorted(acknowledged, key=lambda ack: ack.at)
    others = [(began.get((event.room, event.person, event.client_msg_id)), event) for event in log if event.message_id]
    highest: dict[str, int] = {}
    number = 0
    for at, event in sorted(((at, event) for at, event in others if at is not None), key=itemgetter(0)):
        while number < len(told) and told[number].at < at:
            ack = told[number]
            highest[ack.room] = max(ack.seq, highest.get(ack.room, 0))
            number += 1
        if highest.get(event.room, 0) >= event.seq:
            yield f"#{event.room}: {event.seq} was sent after seq {highest[event.room]} was acknowledged"


def sight(records: Iterable[Record], rooms: Rooms) -> Iterator[str]:
    """A watcher gets after + 1, after + 2 … to the end, each once, and each as the log has it."""
    there = {room: {event.seq: event for event in events} for room, events in rooms.items()}
    last: dict[tuple[str, str], int] = {}
    for record in records:
        if isinstance(record, Subscribed):
            last[record.watcher, record.room] = record.after
        elif isinstance(record, Seen):
            expected = last[record.watcher, record.room] + 1
            if record.seq != expected:
                yield f"#{record.room}: {record.watcher} got {record.seq} where {expected} was due"
            last[record.watcher, record.room] = record.seq
            event = there.get(record.room, {}).get(record.seq)
            if event is None or line(event) != Line(record.seq, record.position, record.message_id, record.message):
                yield f"#{record.room}: {record.watcher} saw another event as seq {record.seq} than is there"
    for (watcher, room), seq in last.items():
        if seq < (head := rooms[room][-1].seq if room in rooms else 0):
            yield f"#{room}: {watcher} heard nothing after {seq} of {head}"


def reading(reads: Iterable[Read], rooms: Rooms) -> Iterator[str]:
    """A page is what the log had at its head, has come as far as was asked, and is never behind an earlier one."""
    messages = {room: [event for event in events if event.message_id] for room, events in rooms.items()}
    last: dict[tuple[str, str], tuple[int, int]] = {}
    for record in reads:
        where = f"#{record.room}: {record.reader}"
        wanted = record.min_position or 0
        before = last.get((record.reader, record.room), (0, 0))
        last[record.reader, record.room] = record.head_seq, record.position
        if record.head_seq < before[0] or record.position < before[1]:
            yield f"{where} was taken back to {record.head_seq} from {before[0]}"
        events = rooms.get(record.room, [])
        beyond = events[record.head_seq : record.head_seq + 1]
        if record.position < wanted or any(event.position <= wanted for event in beyond):
            yield f"{where} asked for position {wanted} and got a page that lacks it"
        if record.items != newest(messages.get(record.room, []), record.head_seq, record.limit):
            yield f"{where} read another page at {record.head_seq} than is there"


def newest(messages: Sequence[Logged], head_seq: int, limit: int) -> list[tuple[int, str | None]]:
    """The last `limit` messages up to a seq."""
    upto = bisect_right(messages, head_seq, key=lambda event: event.seq)
    return [(event.seq, event.message_id) for event in messages[max(0, upto - limit) : upto]]


def agreement(views: Iterable[View], rooms: Rooms) -> Iterator[str]:
    """Whoever reads a room, and however, reads what the log has."""
    for view in views:
        events = [event for event in rooms.get(view.room, []) if view.shows != "messages" or event.message_id]
        there = [line(event) if view.shows != "places" else Line(event.seq, event.position) for event in events]
        if view.lines != there:
            lies = [(one, other) for one, other in zip(view.lines, there, strict=False) if one != other]
            what = f"{lies[0][0]} is not {lies[0][1]}" if lies else f"{len(view.lines)} are not {len(there)}"
            yield f"#{view.room}: {view.source} differs from the log: {what}"


def line(event: Logged) -> Line:
    return Line(event.seq, event.position, event.message_id, event.message)
