"""Every way in which Verbatim says no: one exception per code of the contract.

A refusal's docstring is its default message. `status` is the HTTP status of its code and `retryable` tells whether the
same request may succeed later; REST and the socket both answer from these, so that a code means the same everywhere.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class Refusal(Exception):
    """The request was refused."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_ms: int | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.retry_after_ms = retry_after_ms
        self.errors = tuple(errors)
        super().__init__(self.detail)


class BadJson(Refusal):
    """The body is not valid JSON."""

    code, status = "bad_json", 400


class BadRequest(Refusal):
    """The request does not have the shape that is expected here."""

    code, status = "bad_request", 400


class InvalidField(Refusal):
    """A field has a value that cannot be accepted."""

    code, status = "invalid_field", 422

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidField":
        """The refusal of one field: `errors` names it, `detail` says why."""
        return cls(f"{field}: {message}", errors=({"field": field, "message": message},))


class Unauthenticated(Refusal):
    """Say who you are: send a token or the session cookie."""

    code, status = "unauthenticated", 401


class Forbidden(Refusal):
    """You may not do this here."""

    code, status = "forbidden", 403


class Banned(Refusal):
    """You are banned from this room."""

    code, status = "banned", 403


class NotFound(Refusal):
    """There is nothing here under that name."""

    code, status = "not_found", 404


class MethodNotAllowed(Refusal):
    """This address does not answer to that method."""

    code, status = "method_not_allowed", 405


class RoomExists(Refusal):
    """A room with this label exists already."""

    code, status = "room_exists", 409


class HandleTaken(Refusal):
    """This handle belongs to somebody else."""

    code, status = "handle_taken", 409


class Archived(Refusal):
    """This room is archived: it can be read, but nothing can be added."""

    code, status = "archived", 409


class Redacted(Refusal):
    """This message was redacted: nothing about it changes any more."""

    code, status = "redacted", 409


class LegalHold(Refusal):
    """There is a legal hold: nothing that it covers can be erased."""

    code, status = "legal_hold", 409


class Gone(Refusal):
    """This was erased."""

    code, status = "gone", 410


class NotProved(Refusal):
    """This cannot be proved: what is stored is not what the tree was made of. `manage.py verify` tells more."""

    code, status = "not_proved", 409


class TooLarge(Refusal):
    """The body is larger than 64 KiB."""

    code, status = "too_large", 413


class UnsupportedMediaType(Refusal):
    """Send the body as application/json."""

    code, status = "unsupported_media_type", 415


class IdempotencyMismatch(Refusal):
    """This client_msg_id was used for another message before."""

    code, status = "idempotency_mismatch", 422


class LabelReserved(Refusal):
    """This label is reserved for Verbatim's own pages."""

    code, status = "label_reserved", 422


class AfterBeyondHead(Refusal):
    """The room has not come that far yet."""

    code, status = "after_beyond_head", 422


class RateLimited(Refusal):
    """That was too much at once: slow down and try again."""

    code, status, retryable = "rate_limited", 429, True


class SlowMode(Refusal):
    """This room is in slow mode: wait before you post again."""

    code, status, retryable = "slow_mode", 429, True


class ProjectionBehind(Refusal):
    """The read model has not reached that position yet."""

    code, status, retryable = "projection_behind", 503, True


class NotSigned(Refusal):
    """No tree head that covers this has been signed yet: one follows within seconds."""

    code, status, retryable = "not_signed", 503, True


class RoomParked(Refusal):
    """This room's history is being repaired and cannot be read right now."""

    code, status, retryable = "room_parked", 503, True


class Unavailable(Refusal):
    """The store cannot be reached right now. Nothing is lost: try again."""

    code, status, retryable = "unavailable", 503, True


class Overloaded(Refusal):
    """Too many requests are waiting. Nothing is lost: try again."""

    code, status, retryable = "overloaded", 503, True


class Internal(Refusal):
    """Something went wrong on the server. It has been logged."""

    code, status, retryable = "internal", 500, True
