"""How processes tell each other who is where: leases in Redis, kept by one script, beside the room's channel.

The script's answer is not waited for. What it makes known comes over the channel, to this process as to all others.
"""

from hashlib import sha1
from pathlib import Path
from secrets import token_hex

import msgspec

from realtime.company import Hearer
from realtime.lease import LEASE_S, SHARE_S, Claim, News
from realtime.presence import MAX_PRESENT
from realtime.redis_bus import RedisBus

SCRIPT = Path(__file__).with_name("leases.lua").read_bytes()
PRESENCE, TYPING = b"p", b"t"
"""The first bytes of our packets: a form each, which never changes (as in hints.py)."""
PACE_S = 0.9 * SHARE_S
PROCESS_BYTES = 16

_news = msgspec.msgpack.Decoder(News)
_who = msgspec.msgpack.Decoder(list[tuple[str, str]])


class RedisExchange:
    """An `Exchange` over the servers and channels of the bus. News of a room come at most every `pace_s`."""

    script = SCRIPT
    forms: tuple[bytes, ...] = (PRESENCE, TYPING)

    def __init__(self, bus: RedisBus, lease_s: float = LEASE_S, pace_s: float = PACE_S) -> None:
        self.process = token_hex(PROCESS_BYTES // 2)
        self.lease_s = lease_s
        self._bus = bus
        self._pace_s = pace_s
        self._name = sha1(SCRIPT, usedforsecurity=False).hexdigest()
        self._hearer: Hearer | None = None
        bus.accompany(self)

    def deliver_to(self, hearer: Hearer) -> None:
        self._hearer = hearer

    def reaches(self, room: str) -> bool:
        return self._bus.reaches(room)

    def claim(self, room: str, claim: Claim, for_s: float) -> None:
        """Say who is here."""
        joined = [word for pair in claim.joined for word in pair]
        known = "1" if claim.is_known else "0"
        words = [claim.lease, str(claim.number), known, claim.instead_of, *self._terms(for_s), str(len(claim.joined))]
        self._bus.evaluate(room, self._name, [*words, *joined, *claim.left])

    def release(self, room: str, lease: str) -> None:
        """Say that nobody is left here."""
        self._bus.evaluate(room, self._name, ["", "0", "0", lease, *self._terms(0), "0"])

    def say_typing(self, room: str, who: list[tuple[str, str]]) -> None:
        """Say who types."""
        self._bus.announce(room, TYPING + self.process.encode() + msgspec.msgpack.encode(who))

    def take(self, room: str, packet: bytes) -> None:
        """Take a packet of one of our forms. Raises: ValueError for one that is broken."""
        if self._hearer is None:
            return
        form, said = packet[:1], memoryview(packet)[1:]
        if form == PRESENCE:
            self._hearer.hear_news(room, _news.decode(said))
        elif said[:PROCESS_BYTES] != self.process.encode():
            self._hearer.hear_typing(room, _who.decode(said[PROCESS_BYTES:]))

    def _terms(self, for_s: float) -> list[str | bytes]:
        """How long it counts and is kept, how often it is told, in ms; in which form; how many are named."""
        times = (for_s, 2 * self.lease_s, self._pace_s)
        return [*(str(int(seconds * 1000)) for seconds in times), PRESENCE, str(MAX_PRESENT)]
