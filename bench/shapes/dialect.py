"""How clients speak with the servers: Verbatim's `verbatim.v1`, and what both rivals understand.

A message is 100 bytes that say when it was to be sent and by whom: `bench:<16 digits: µs>:<4 digits: member>:xxx…`.
"""

import time
from dataclasses import dataclass, field

LOOPBACK = "127.0.0.1"
SIZE = 100
MARK = b"bench:"
HISTORY = "history"


@dataclass(frozen=True)
class Dialect:
    """Addresses and frames of a server. Some say when a member hears the room; some have a socket for no room."""

    socket: str
    page: str
    post: str
    headers: dict[str, str] = field(default_factory=dict)
    says_ready: bool = False
    projections: str | None = None
    elsewhere: str = ""

    def frame_start(self, room: str, member: int) -> bytes:
        """What comes before the text in a frame that posts it; behind it comes `FRAME_END`."""
        return self.post.format(room=room, member=member).encode()


FRAME_END = b'"}'
DIALECTS = {
    "verbatim.v1": Dialect(
        socket="/chat/{room}/",
        headers={"Sec-WebSocket-Protocol": "verbatim.v1"},
        post='{{"type":"post","room":"{room}","handle":"u{member:04d}","message":"',
        page="/api/v1/rooms/{room}/messages?before={before}&limit=50",
        projections="/api/v1/projections",
        elsewhere="/chat/",
        says_ready=True,
    ),
    "rival": Dialect(
        socket="/ws/chat/{room}/",
        post='{{"handle":"u{member:04d}","message":"',
        page="/history/{room}/?before={before}&limit=50",
    ),
}


def text(at_us: int, member: int) -> bytes:
    """A message that was to be sent at a time (`now_us`) by a member."""
    return (b"%s%016d:%04d:" % (MARK, at_us, member)).ljust(SIZE, b"x")


def read(frame: bytes) -> tuple[int, int] | None:
    """When the message in a frame was to be sent, and by whom; nothing for a frame without one."""
    start = frame.find(MARK)
    if start < 0:
        return None
    start += len(MARK)
    return int(frame[start : start + 16]), int(frame[start + 17 : start + 21])


def now_us() -> int:
    """Microseconds of a clock that only goes forward."""
    return time.monotonic_ns() // 1000
