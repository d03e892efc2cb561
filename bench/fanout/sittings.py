"""Fan-out, three sittings: `python -m bench fanout [closed] [steady] [s2]`. Contenders take turns, A B C A B C A B C.

closed  1000 subscribers, so many messages in flight: what a delivery costs the server at its best
steady  1000 subscribers at 50 messages a second: cores and delays; then a room of 10 at one a second
s2      500 members, the highest rate that is held
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import psutil

from bench import report
from bench.fanout import generator
from bench.fanout.contenders import (
    CLIENTS,
    COneByOne,
    CTogether,
    HubAlone,
    Node,
    NodeAnywhere,
    Stock,
    Verbatim,
    VerbatimAnywhere,
    apart,
    commits,
)
from bench.fanout.generator import FAILED, Generator
from bench.fanout.search import find_highest
from bench.fanout.tables import PARTS, Columns, Turns, ratios, remarks, rows
from bench.shapes import contenders as chats
from bench.shapes.contenders import Contender
from bench.shapes.meter import Figures
from bench.shapes.program import Target
from bench.shapes.sitting import ROUNDS, SECONDS, allow_sockets, is_installed
from tests.servers import Postgres, Valkey

SUBSCRIBERS = 1000
MEMBERS = 500
FEW = 10
STEADY_PER_S = 50.0
WARM_UP_S = 1.0
IN_FLIGHT: dict[type[Contender], Sequence[int]] = {
    Verbatim: (8, 40),
    HubAlone: (8, 40),
    Node: (8, 40),
    COneByOne: (8,),
    CTogether: (40,),
    Stock: (8,),
}
CLOSED: Columns = [
    ("deliveries per CPU second", "per_cpu_s", 0),
    ("deliveries/s", "rate", 0),
    ("p50 ms", "p50_ms", 1),
    ("p99 ms", "p99_ms", 1),
    ("copies a read", "per_read", 1),
    ("web's cores", "web cores", 2),
    *PARTS,
]
STEADY: Columns = [
    ("web's cores", "web cores", 2),
    ("deliveries/s", "rate", 0),
    ("p50 ms", "p50_ms", 1),
    ("p99 ms", "p99_ms", 1),
    ("ack p50 ms", "ack_p50_ms", 1),
    *PARTS,
]
ROOM: Columns = [
    ("delivered p50 ms", "p50_ms", 2),
    ("delivered p99 ms", "p99_ms", 2),
    ("ack p50 ms", "ack_p50_ms", 2),
    ("delivered ms, mean", "mean_ms", 2),
    ("commit ms, mean", "commit_ms", 2),
    ("delivered above the commit, mean", "above_ms", 2),
]
S2: Columns = [
    ("deliveries/s", "rate", 0),
    ("messages/s", "messages", 0),
    ("p99 ms", "p99_ms", 0),
    ("CPU µs in all", "cpu", 2),
    *PARTS,
]


def hold(parts: Sequence[str]) -> None:
    """Hold these sittings, or all. Raises: SystemExit when this machine lacks something."""
    if unknown := set(parts) - set(SITTINGS):
        raise SystemExit(f"fanout has no part {', '.join(sorted(unknown))}, only {', '.join(SITTINGS)}.")
    if lacking := generator.missing():
        raise SystemExit(f"Fan-out cannot be measured here: {lacking}.")
    allow_sockets()
    for part in parts or SITTINGS:
        SITTINGS[part]()


def closed() -> None:
    """Publish whenever fewer than so many messages are not yet with everybody."""
    turns: Turns = {}
    with apart():
        for contender, target in _in_turns(list(IN_FLIGHT)):
            names = {n: f"{contender.name}, {n} in flight" for n in IN_FLIGHT[type(contender)]}
            with _turn(turns, *names.values()) as taken, _generator(target, SUBSCRIBERS) as load:
                for in_flight, name in names.items():
                    taken[name] = load.closed(in_flight, WARM_UP_S, SECONDS / 2)
                    print(f"  closed {name}: {taken[name]['per_cpu_s']:,.0f} per CPU second", flush=True)
    title = f"One room of {SUBSCRIBERS}, closed loop, the server on a core of its own; CPU per delivery"
    told = remarks(turns, "per_cpu_s", list(_compared()))
    report.show("fanout-closed", _titled(title), rows(turns, CLOSED), told, turns)


def _compared() -> Iterator[tuple[str, str]]:
    """What of a closed loop is set against what, by the names of the rows."""
    for ours in (Verbatim, HubAlone):
        for rival, in_flight in ((Node, 8), (Node, 40), (COneByOne, 8), (CTogether, 40), (Stock, 8)):
            yield f"{ours.name}, {in_flight} in flight", f"{rival.name}, {in_flight} in flight"


def steady() -> None:
    """Publish on time: much to many, and then a little to a few."""
    many: Turns = {}
    few: Turns = {}
    with apart():
        for contender, target in _in_turns([Verbatim, Node]):
            name = contender.name
            with _turn(many, name) as taken, _generator(target, SUBSCRIBERS) as load:
                taken[name] = load.rate(STEADY_PER_S, WARM_UP_S, SECONDS)
                print(f"  steady {name}: {taken[name]['web cores']:.2f} cores", flush=True)
            with _turn(few, name) as taken, _generator(target, FEW, room="few") as load:
                taken[name] = _few(contender, target, load)
                print(f"  steady {name}: p50 {taken[name]['p50_ms']:.2f} ms in a room of {FEW}", flush=True)
    title = (
        f"One room of {SUBSCRIBERS}, {STEADY_PER_S:.0f} messages/s, the server on a core of its own; CPU per delivery"
    )
    pairs = [(Verbatim.name, Node.name)]
    report.show("fanout-steady", _titled(title), rows(many, STEADY), remarks(many, "web cores", pairs), many)
    title = f"A room of {FEW}, 1 message/s, the server on a core of its own"
    report.show("fanout-room", _titled(title), rows(few, ROOM), remarks(few, "p50_ms", pairs), few)


def s2() -> None:
    """The highest rate at which everything comes to everybody in time."""
    turns: Turns = {}
    seconds = SECONDS * 3 / 8
    for contender, target in _in_turns([chats.Verbatim, VerbatimAnywhere, NodeAnywhere]):
        name = contender.name
        with _turn(turns, name) as taken, _generator(target, MEMBERS) as load:
            taken[name] = find_highest(partial(load.rate, warm_up_s=0, seconds=seconds), seconds)
            print(f"  s2 {name}: {taken[name]['rate']:,.0f} deliveries/s", flush=True)
    title = (
        f"S2 with a receiver in C: a room of {MEMBERS}, one sender, the highest rate with p99 ≤ 1 s; CPU per delivery"
    )
    pairs = [(ours.name, NodeAnywhere.name) for ours in (chats.Verbatim, VerbatimAnywhere)]
    told = [*ratios(turns, "rate", pairs), *remarks(turns, "cpu", pairs)]
    report.show("fanout-s2", _titled(title), rows(turns, S2), told, turns)


SITTINGS = {"closed": closed, "steady": steady, "s2": s2}


@contextmanager
def _turn(turns: Turns, *names: str) -> Iterator[dict[str, Figures]]:
    """Takes the figures of one contender's turn. One that fails is told, and has none; the others go on."""
    taken: dict[str, Figures] = {}
    try:
        yield taken
    except (RuntimeError, psutil.Error) as error:
        print(f"!!! {', '.join(names)}: {error}", flush=True)
    for name in names:
        turns.setdefault(name, []).append(taken.get(name, FAILED))


def _few(contender: Contender, target: Target, load: Generator) -> Figures:
    """A message now and then; for Verbatim also how long its commits took meanwhile."""
    if not isinstance(contender, Verbatim):
        return load.rate(1, WARM_UP_S, SECONDS * 3 / 2)
    before = commits(target.port)
    figures = load.rate(1, WARM_UP_S, SECONDS * 3 / 2)
    took_s, count = (now - then for now, then in zip(commits(target.port), before, strict=True))
    commit_ms = took_s / count * 1000
    return {**figures, "commit_ms": commit_ms, "above_ms": figures["mean_ms"] - commit_ms}


def _in_turns(kinds: Sequence[type[Contender]]) -> Iterator[tuple[Contender, Target]]:
    """Every contender that can be had here, running, in turns."""
    present = [kind for kind in kinds if is_installed(kind)]
    with Postgres() as postgres, Valkey() as valkey:
        contenders = [kind(postgres, valkey) for kind in present]
        for contender in contenders:
            contender.prepare(0)
        for _ in range(ROUNDS):
            for contender in contenders:
                with contender.running() as target:
                    yield contender, target


@contextmanager
def _generator(target: Target, subscribers: int, room: str = "fan") -> Iterator[Generator]:
    clients = CLIENTS[target.dialect]
    with Generator(target.port, clients, target.parts, subscribers=subscribers, room=room) as load:
        yield load


def _titled(title: str) -> str:
    return f"{title} (median of {ROUNDS})"
