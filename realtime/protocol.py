"""What both sides of the WebSocket protocol `verbatim.v1` agree on: its limits, and the types of fields.

The frames are in `client_frames` and `server_frames`; `docs/protocol.md` is generated from them.
"""

import re
from typing import Annotated

from msgspec import Meta

SUBPROTOCOL = "verbatim.v1"
ROOM_PATH = re.compile(r"^chat/(?P<room>[^/]+)/$")
"""The address of a socket that is subscribed to a room from the start, without the first slash."""
PAGE = 300
"""Events in one page of a backlog, and how many may follow before the client acknowledges them."""
MAX_FRAME_BYTES = 64 * 1024
MAX_NESTING = 32
MAX_ROOMS = 128
MAX_REPLAYS = 4
MAX_MALFORMED = 3
MAX_INTEGER = 2**53 - 1
"""The largest integer that every JSON parser keeps exactly."""

Label = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{1,50}\Z", description="a room's label: 1 to 50 of A–Z, a–z, 0–9, _ and -")
]
Seq = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="a seq: an integer from 0")]
Moment = (
    Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="a seq, or a time with its zone as text")]
    | Annotated[str, Meta(max_length=64)]
)
Speed = Annotated[float, Meta(ge=0.1, le=1000, description="a number from 0.1 to 1000")]
Gap = Annotated[int, Meta(ge=0, le=3_600_000, description="milliseconds: an integer from 0 to 3600000")]
Text = Annotated[str, Meta(description="text")]
FrameId = (
    Annotated[str, Meta(max_length=64, description="text of at most 64 characters, or an integer")]
    | Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
)
