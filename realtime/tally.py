"""What the live side of a process has done since it started, as plain numbers for `/metrics`."""

from collections import Counter
from typing import Literal

from realtime.close_codes import CloseCode
from realtime.protocol import SUBPROTOCOL

type Cause = Literal["gap", "overflow", "tail", "head"]
"""Why a hub reads from the store: a number is missing, too many came too early, or the log's tail or a subscriber's
look at the head told of events that the bus did not bring."""


class Tally:
    """Counts by name. `sockets` are those of now, all others only grow."""

    def __init__(self) -> None:
        self.sockets = Counter({SUBPROTOCOL: 0, "classic": 0})
        self.closed = Counter({code.name.lower(): 0 for code in CloseCode})
        self.refusals: Counter[str] = Counter()
        self.heals: Counter[str] = Counter({"gap": 0, "overflow": 0, "tail": 0, "head": 0})
        self.live = 0
        self.caught_up = 0
        self.hints_dropped = 0
        self.fell_behind = 0
