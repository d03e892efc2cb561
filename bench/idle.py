"""What an idle socket costs: the server's memory before and after many came, each to one room.

How many one process can take is bounded by the files that it may have open (`ulimit -Hn`): what does not fit is left
out and said so.
"""

import time

from bench import report
from bench.served import Crowd, cpu_s, on_sqlite, rss
from realtime import files

SHAPES = [(10_000, "lobby"), (10_000, "room-{n}"), (20_000, "lobby")]
REST_S = 3.0


def main() -> None:
    """Measure and print the table."""
    files.raise_limit()
    most = files.allowed() - files.RESERVED
    rows = [_measure(min(count, most), room) for count, room in SHAPES]
    left = [f"Of {count:,} sockets {most:,} fit into {files.allowed():,} files." for count, _ in SHAPES if count > most]
    report.show("idle", "Idle `verbatim.v1` sockets, each in one room, in one process", rows, left)


def _measure(count: int, room: str) -> report.Row:
    with on_sqlite() as server:
        with Crowd(server.port, 100, "lobby") as first:  # what every server needs once is not counted
            first.arrived()
        time.sleep(REST_S)
        empty, began_s = rss(server), cpu_s(server)
        with Crowd(server.port, count, room) as crowd:
            came = crowd.arrived()
            took_s = cpu_s(server) - began_s
            time.sleep(REST_S)
            full = rss(server)
            state = crowd.now()
    return {
        "sockets": count,
        "rooms": 1 if room == "lobby" else count,
        "empty MiB": round(empty / 2**20, 1),
        "KiB a socket": round((full - empty) / 1024 / count, 1),
        "all there after s": round(came["took_s"], 1),
        "CPU ms to come": round(took_s * 1000 / count, 2),
        "lost or wrong": state["lost"] + state["wrong"],
    }
