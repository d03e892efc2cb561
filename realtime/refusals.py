"""What a socket's client is told when something goes wrong: a refusal, or a close code."""

import logging

from commands.errors import Banned, Gone, Internal, Refusal, Unauthenticated, Unavailable
from commands.subscription import StoreUnavailable
from realtime.close_codes import CloseCode

log = logging.getLogger(__name__)


def as_refusal(error: BaseException) -> Refusal:
    """What to tell a client about an error; one that nobody expected is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, StoreUnavailable):
        return Unavailable()
    log.error("a frame could not be handled", exc_info=error)
    return Internal()


def close_code(refusal: Refusal) -> CloseCode:
    """How a socket ends whose address names a room that cannot be had."""
    if isinstance(refusal, Unauthenticated | Gone):
        return CloseCode.NOT_SIGNED_IN
    if isinstance(refusal, Banned):
        return CloseCode.BANNED
    return CloseCode.INTERNAL if refusal.retryable else CloseCode.BAD_REQUEST
