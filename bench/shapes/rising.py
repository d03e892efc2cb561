"""S2: a room of 500 where one member sends at a rate that rises until p99 of the deliveries is over a second.

A rate is held when every message came to everybody, p99 from when it was to be sent is at most a second, and at the
end no more than a tenth of the step's time was needed to catch up.
"""

import asyncio

from bench.shapes.dialect import Dialect, now_us
from bench.shapes.member import Heard, Member, connect_all
from bench.shapes.meter import Figures, Meter, percentile

MEMBERS = 500
FIRST_RATE = 8.0
NEAR_ENOUGH = 1.12
STEPS = 12
PATIENCE_S = 1.5
HOPELESS_S = 1.5


async def run(dialect: Dialect, port: int, parts: dict[str, int], seconds: float) -> Figures:
    """The figures of the highest rate that was held; `seconds` is the time of a step."""
    heard = Heard()
    members = [Member(i, "s2", heard) for i in range(MEMBERS)]
    await connect_all(members, dialect, port)
    await asyncio.sleep(1)
    held: Figures = {}
    rate, failed = FIRST_RATE, 0.0
    for _ in range(STEPS):
        figures = await _step(members[0], heard, parts, rate, seconds)
        if figures["held"]:
            held = figures
        else:
            failed = rate
        if held and failed and failed / held["messages"] < NEAR_ENOUGH:
            break
        rate = (held["messages"] * failed) ** 0.5 if held and failed else rate * 2 if held else rate / 2
    assert held, "not a single rate was held"
    return {**held, "refused": heard.refused, "gone": heard.gone}


async def _step(sender: Member, heard: Heard, parts: dict[str, int], rate: float, seconds: float) -> Figures:
    heard.forget()
    meter = Meter(parts)
    first_us = now_us() + 2000
    asked = max(1, int(rate * seconds))
    sent = await _send(sender, heard, first_us, rate, asked)
    end_us = now_us()
    expected = sent * (MEMBERS - 1)
    last_us = await _all_came(heard, expected)
    figures = meter.read(len(heard.deliveries))
    took_s = (max(last_us, end_us) - first_us) / 1e6
    p99_ms = percentile(heard.deliveries, 99)
    all_came = sent == asked and len(heard.deliveries) == expected
    return {
        **figures,
        "held": all_came and p99_ms <= 1000 and last_us - end_us <= seconds * 1e5,
        "messages": rate,
        "rate": len(heard.deliveries) / took_s,
        "p50_ms": percentile(heard.deliveries, 50),
        "p99_ms": p99_ms,
    }


async def _send(sender: Member, heard: Heard, first_us: int, rate: float, count: int) -> int:
    """Send at a steady rate whatever comes back, but no further when it is hopeless. Answers how many were sent."""
    sent = 0
    while sent < count:
        while sent < count and first_us + sent / rate * 1e6 <= now_us():
            sender.post(int(first_us + sent / rate * 1e6))
            sent += 1
        behind = sent * (MEMBERS - 1) - len(heard.deliveries)
        if behind > HOPELESS_S * rate * (MEMBERS - 1) and now_us() - first_us > HOPELESS_S * 1e6:
            break
        await asyncio.sleep(max(0.001, min(0.05, (first_us - now_us()) / 1e6 + sent / rate)))
    return sent


async def _all_came(heard: Heard, expected: int) -> int:
    """Wait until all is delivered, or nothing comes any more. Answers when the last one came."""
    came, last_us = -1, now_us()
    while len(heard.deliveries) < expected and now_us() - last_us < PATIENCE_S * 1e6:
        if came != len(heard.deliveries):
            came, last_us = len(heard.deliveries), now_us()
        await asyncio.sleep(0.005)
    return now_us() if len(heard.deliveries) >= expected else last_us
