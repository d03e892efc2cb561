"""Where web processes listen: sockets that outlive each of them, so that nobody who connects is refused."""

import errno
import socket
import sys

from django.core.management.base import CommandError

from realtime.server import BACKLOG

SPREADS = sys.platform == "linux"
"""Whether the kernel spreads connections over the listening sockets of one port (SO_REUSEPORT, socket(7))."""


def listen(host: str, port: int, *, places: int = 1) -> list[list[socket.socket]]:
    """The listening sockets of so many places on one port; 0 is any free one.

    Each place has a queue of its own, over which Linux spreads new connections evenly. Elsewhere all share one.
    Raises: CommandError when nobody can listen there.
    """
    try:
        first = _bind(host, port, shared=False)
        if places == 1 or not SPREADS:
            return [first] * places
        # Only a socket that shares with nobody finds out that somebody else is there.
        port = first[0].getsockname()[1]
        for each in first:
            each.close()
        return [_bind(host, port, shared=True) for _ in range(places)]
    except OSError as error:
        raise CommandError(_explain(error, host, port)) from error


def _bind(host: str, port: int, *, shared: bool) -> list[socket.socket]:
    """A listening socket for every address that the host's name stands for."""
    listening: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((family, address) for family, _, _, _, address in found):
            listener = socket.socket(family)
            listening.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address[0], port, *address[2:]))
            port = listener.getsockname()[1]
            listener.listen(BACKLOG)
    except OSError:
        for listener in listening:
            listener.close()
        raise
    return listening


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} of {host} is in use: stop what listens there, or choose another --port."
        case errno.EACCES:
            return f"Port {port} may not be listened on by this user: choose another --port, from 1024 on."
        case _:
            return f"Cannot listen on port {port} of {host!r}: {error.strerror}. Choose another --host or --port."
