"""A sitting: contenders take turns (A B C A B C A B C) at one shape; their medians are a table."""

import os
import resource
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench import report
from bench.shapes.contenders import Contender, Node, Stock, Verbatim, VerbatimBare, VerbatimOnSQLite
from bench.shapes.meter import Figures
from tests.servers import Postgres, Valkey

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
HISTORY = int(os.environ.get("BENCH_HISTORY", "100000"))
SOCKETS = 20_000
TROUBLES = {"lost": "messages lost", "refused": "messages refused", "gone": "connections closed"}

type Turns = dict[str, list[Figures]]


@dataclass(frozen=True)
class Shape:
    """One kind of load: its columns (title, figure, digits), the first of which is compared.

    What the name has before an underscore is what the generator does.
    """

    name: str
    title: str
    columns: Sequence[tuple[str, str, int]]
    contenders: Sequence[type[Contender]]
    seconds: float
    messages: int = 0

    @property
    def load(self) -> str:
        return self.name.partition("_")[0]


def cpu(digits: int) -> list[tuple[str, str, int]]:
    """Columns of CPU per message, delivery or page; `in all` is without the generator."""
    parts = [
        ("CPU µs in all", "cpu"),
        *((part, part) for part in ("web", "projections", "database", "Redis", "generator")),
    ]
    return [*((title, figure, digits) for title, figure in parts), ("generator's cores", "generator cores", 2)]


S1 = Shape(
    "s1",
    "S1: 200 senders in 50 rooms of 4, each sends when its message came back; CPU per message",
    [
        ("messages/s", "rate", 0),
        ("ack p50 ms", "p50_ms", 1),
        ("ack p99 ms", "p99_ms", 1),
        ("deliveries/s", "deliveries", 0),
        *cpu(0),
        ("events behind", "behind", 0),
    ],
    [Verbatim, Node, Stock, VerbatimOnSQLite],
    SECONDS,
)
S1_PROOF = replace(
    S1,
    name="s1_proof",
    title="S1 with and without the tree and the audit metadata; CPU per message",
    contenders=[Verbatim, VerbatimBare],
)
S2 = Shape(
    "s2",
    "S2: a room of 500, one sender, the highest rate with p99 ≤ 1 s; CPU per delivery",
    [("deliveries/s", "rate", 0), ("messages/s", "messages", 0), ("p99 ms", "p99_ms", 0), *cpu(1)],
    [Verbatim, Node, Stock],
    SECONDS * 3 / 8,
)
H = Shape(
    "h",
    f"H: pages of 50 anywhere in {HISTORY:,} messages, 8 clients; CPU per page",
    [("pages/s", "rate", 0), ("p50 ms", "p50_ms", 2), ("p99 ms", "p99_ms", 1), *cpu(0)],
    [Verbatim, Node, Stock],
    SECONDS,
    HISTORY,
)


def hold(shape: Shape) -> None:
    """Install, prepare, take turns, print."""
    allow_sockets()
    present = [contender for contender in shape.contenders if is_installed(contender)]
    with Postgres() as postgres, Valkey() as valkey:
        contenders = [contender(postgres, valkey) for contender in present]
        for contender in contenders:
            contender.prepare(shape.messages)
        turns: Turns = {contender.name: [] for contender in contenders}
        for _ in range(ROUNDS):
            for contender in contenders:
                with contender.running() as target:
                    turns[contender.name].append(target.load(shape.load, shape.seconds, shape.messages))
                print(f"  {shape.name} {contender.name}: {turns[contender.name][-1]['rate']:,.0f}", flush=True)
    rows = [_row(shape, name, taken) for name, taken in turns.items()]
    report.show(shape.name, f"{shape.title} (median of {ROUNDS})", rows, _remarks(turns), turns)


def allow_sockets() -> None:
    """Let this process and all that it starts have many sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SOCKETS if hard == resource.RLIM_INFINITY else min(SOCKETS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def is_installed(contender: type[Contender]) -> bool:
    """Install what it needs, or tell what is missing."""
    missing = contender.install()
    if missing:
        print(f"!!! Left out: {contender.name}: {missing}.")
    return not missing


def _row(shape: Shape, name: str, taken: Sequence[Figures]) -> report.Row:
    row: dict[str, object] = {"": name}
    for title, figure, digits in shape.columns:
        values = [figures[figure] for figures in taken if figure in figures]
        row[title] = f"{median(values):,.{digits}f}" if values else "–"
    return row


def _remarks(turns: Turns) -> list[str]:
    """How the first compares with each of the others, round by round; and what disturbed."""
    first, *others = turns
    remarks = []
    for other in others:
        ratios = [a["rate"] / b["rate"] for a, b in zip(turns[first], turns[other], strict=True)]
        remarks.append(f"{first} / {other}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}).")
    every = [figures for taken in turns.values() for figures in taken]
    others_cores = [figures["others"] for figures in every]
    remarks.append(f"Other programs used {median(others_cores):.2f} cores (at most {max(others_cores):.2f}).")
    for name, taken in turns.items():
        troubles = {said: sum(figures.get(key, 0) for figures in taken) for key, said in TROUBLES.items()}
        if any(troubles.values()):
            told = ", ".join(f"{count:.0f} {trouble}" for trouble, count in troubles.items() if count)
            remarks.append(f"{name}: {told}.")
    return remarks
