"""Many rooms against one: 1000 rooms of 10, every one busy, and one room of 10; as many deliveries a message.

One web process on PostgreSQL and Valkey; they take turns on freshly started servers. Who posts, posts again as soon as
the message came back: one of each room's members; of the one room 1000 people who are not in it, so that as much is in
flight as in the many, or its own ten.
"""

from statistics import median

from bench import report
from bench.fanout.contenders import VerbatimAnywhere
from bench.shapes.meter import Figures
from bench.shapes.sitting import ROUNDS, SECONDS, allow_sockets
from tests.servers import Postgres, Valkey

SHAPES = {
    "rooms": "1000 rooms of 10, one of each posts",
    "room": "one room of 10, 1000 others post",
    "ten": "one room of 10, all of them post",
}
COLUMNS = [
    ("messages/s", "rate", 0),
    ("deliveries/s", "deliveries", 0),
    ("ack p50 ms", "p50_ms", 1),
    ("ack p99 ms", "p99_ms", 1),
    ("CPU µs a message", "cpu", 0),
    ("web", "web", 0),
    ("generator's cores", "generator cores", 2),
]


def main() -> None:
    """Measure and print the table."""
    allow_sockets()
    turns: dict[str, list[Figures]] = {name: [] for name in SHAPES.values()}
    with Postgres() as postgres, Valkey() as valkey:
        verbatim = VerbatimAnywhere(postgres, valkey)
        verbatim.prepare(0)
        for _ in range(ROUNDS):
            for shape, name in SHAPES.items():
                with verbatim.running() as target:
                    turns[name].append(target.load(shape, SECONDS))
                print(f"  {name}: {turns[name][-1]['rate']:,.0f}", flush=True)
    rows = [
        {"": name, **{title: f"{median(each[key] for each in taken):,.{digits}f}" for title, key, digits in COLUMNS}}
        for name, taken in turns.items()
    ]
    many, *one = (median(each["rate"] for each in taken) for taken in turns.values())
    wrong = sum(each[key] for taken in turns.values() for each in taken for key in ("lost", "refused", "gone"))
    ratios = " and ".join(f"{many / each:.2f}" for each in one)
    remarks = [f"Messages/s, many rooms / one room: {ratios}.", f"Lost, refused, closed: {wrong:.0f}."]
    report.show("rooms", f"Many rooms, or one (median of {ROUNDS})", rows, remarks, turns)
