"""A closed loop: whoever sends, sends again as soon as the message came back. S1: 50 rooms of 4, everybody sends."""

import asyncio
from typing import NamedTuple

from bench.shapes.dialect import Dialect, now_us
from bench.shapes.member import Heard, Member, Outsider, connect_all
from bench.shapes.meter import Figures, Meter, percentile

WARM_UP_S = 3.0
LOST_S = 5.0
RETRY_S = 0.5
START_S = 60.0


class Crowd(NamedTuple):
    """So many rooms of so many members each, of whom some send; and others who send without being in the room."""

    rooms: int
    members: int
    senders: int
    outsiders: int = 0


CROWDS = {
    "s1": Crowd(50, 4, 4),
    "rooms": Crowd(1000, 10, 1),
    "room": Crowd(1, 10, 0, outsiders=1000),
    "ten": Crowd(1, 10, 10),
}


class Loop(Heard):
    """Lets each sender send again, until it is closed."""

    def __init__(self, senders: int) -> None:
        super().__init__()
        self.closed = False
        self.lost = 0
        self.everybody = asyncio.Event()
        self._silent = set(range(senders))

    def ack(self, member: Member, sent_us: int) -> None:
        """Count it, and send the next one."""
        super().ack(member, sent_us)
        if self._silent:
            self._silent.discard(member.number)
            if not self._silent:
                self.everybody.set()
        if sent_us == member.in_flight_us and not self.closed:
            member.post(now_us())

    def refusal(self, member: Member) -> None:
        """Count it, and try again in a moment."""
        super().refusal(member)
        if not self.closed:
            asyncio.get_running_loop().call_later(RETRY_S, lambda: member.post(now_us()))

    async def send_again(self, members: list[Member]) -> None:
        """Somebody whose message was lost must not be silent for ever."""
        while not self.closed:
            await asyncio.sleep(1)
            for member in members:
                if now_us() - member.in_flight_us > LOST_S * 1e6:
                    self.lost += 1
                    member.post(now_us())


async def run(dialect: Dialect, port: int, parts: dict[str, int], seconds: float, who: Crowd) -> Figures:
    """Warm up, then count. Those who send have the first numbers, which frames have four digits for."""
    inside = who.rooms * who.senders
    loop = Loop(inside + who.outsiders)
    outsiders = [Outsider(i, f"room-{i % who.rooms}", loop) for i in range(who.outsiders)]
    members = [Member(who.outsiders + i, f"room-{i % who.rooms}", loop) for i in range(who.rooms * who.members)]
    senders = [*outsiders, *members[:inside]]
    await connect_all([*outsiders, *members], dialect, port)
    for member in senders:
        member.post(now_us())
    sending_again = asyncio.create_task(loop.send_again(senders))
    await asyncio.wait_for(loop.everybody.wait(), START_S)
    await asyncio.sleep(WARM_UP_S)
    loop.forget()
    meter = Meter(parts)
    await asyncio.sleep(seconds)
    acks, deliveries = loop.acks, loop.deliveries
    figures = meter.read(len(acks))
    loop.closed = True
    sending_again.cancel()
    return {
        **figures,
        "rate": len(acks) / figures["wall_s"],
        "deliveries": len(deliveries) / figures["wall_s"],
        "p50_ms": percentile(acks, 50),
        "p99_ms": percentile(acks, 99),
        "delivered_p99_ms": percentile(deliveries, 99),
        "lost": loop.lost,
        "refused": loop.refused,
        "gone": loop.gone,
    }
