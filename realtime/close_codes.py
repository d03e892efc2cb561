"""Why the server closes a socket."""

from enum import IntEnum


class CloseCode(IntEnum):
    """Why the server closes a socket. 4000–4499 mean: reconnect; 4500–4999: do not."""

    reason: str

    def __new__(cls, code: int, reason: str) -> "CloseCode":
        """A member with its reason, which is its docstring too."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.reason = member.__doc__ = reason
        return member

    SHUTTING_DOWN = 1001, "The server is shutting down."
    NOT_UTF8 = 1007, "A text frame was not UTF-8."
    TOO_LARGE = 1009, "A frame was larger than 64 KiB."
    INTERNAL = 1011, "Something went wrong on the server."
    RESTARTING = 4001, "The server is restarting."
    TOKEN_EXPIRED = 4005, "The token has expired: get a new one."
    SLOW = 4008, "Too much was left unread: reconnect and resume."
    TOO_MANY_REQUESTS = 4013, "Too many new connections at once: wait."
    BAD_REQUEST = 4501, "What was sent is not this protocol."
    NOT_SIGNED_IN = 4503, "Say who you are: send a token or the session cookie."
    TOO_MANY_CONNECTIONS = 4504, "Too many connections are open."
    UNKNOWN_PROTOCOL = 4506, "This subprotocol is not spoken here."
    BANNED = 4507, "Banned or removed from the room."

    @property
    def reconnect(self) -> bool:
        """Whether a client should come back."""
        return self in (CloseCode.SHUTTING_DOWN, CloseCode.INTERNAL) or 4000 <= self < 4500
