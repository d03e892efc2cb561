"""How many files this process may have open: each socket is one."""

import resource
from contextlib import suppress

RESERVED = 256
"""Those that are no sockets of visitors: databases, the bus, requests, and who is on the way in or out."""
LAST = 64
"""Those of them that no connection gets, so that the process can always do its own work."""
MANY = 1_000_000


def raise_limit() -> None:
    """Allow this process as many files as the system lets it have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # macOS names a larger number than may be set
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def allowed() -> int:
    """How many there may be."""
    now, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MANY if now == resource.RLIM_INFINITY else now
