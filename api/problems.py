"""How the API says no: RFC 9457 problem documents, one form for every refusal, wherever it was raised."""

import math
from typing import Any

import msgspec
from django.core import exceptions
from django.http import Http404, HttpResponse
from ninja.errors import AuthenticationError, HttpError, ValidationError

from commands.errors import BadJson, BadRequest, Internal, InvalidField, NotFound, Refusal, Unauthenticated, Unavailable
from commands.subscription import StoreUnavailable

MEDIA_TYPE = "application/problem+json"

_PLAIN_WORDS = {
    "missing": "is required",
    "string_unicode": "unpaired surrogates are not text",
    "string_type": "must be a string",
    "string_too_short": "use at least {min_length} characters",
    "string_too_long": "use at most {max_length} characters",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "literal_error": "must be {expected}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "value_error": "{error}",
}


def refusal_of(error: Exception) -> Refusal:
    """The refusal that an error amounts to; `Internal` when it is nobody's fault but ours."""
    match error:
        case Refusal():
            return error
        case HttpError() if isinstance(error.__cause__, Refusal):
            return error.__cause__
        case ValidationError():
            return _invalid(error)
        case AuthenticationError():
            return Unauthenticated()
        case StoreUnavailable():
            return Unavailable()
        case Http404():
            return NotFound()
        case exceptions.SuspiciousOperation() | exceptions.BadRequest():
            return BadRequest()
        case _:
            return Internal()


def problem(refusal: Refusal, request_id: str) -> HttpResponse:
    """A refusal as an answer; 429 and 503 say when to come back, 401 how to say who you are."""
    response = HttpResponse(
        msgspec.json.encode(describe(refusal, request_id)), status=refusal.status, content_type=MEDIA_TYPE
    )
    response.headers["Cache-Control"] = "no-store"
    if refusal.status in (429, 503):
        response.headers["Retry-After"] = str(math.ceil((refusal.retry_after_ms or 1000) / 1000))
    if refusal.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="verbatim"'
    return response


def describe(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """The members of a problem document; `errors` only where fields are to blame."""
    members: dict[str, Any] = {
        "type": f"urn:verbatim:problem:{refusal.code}",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": refusal.status,
        "detail": refusal.detail,
        "code": refusal.code,
        "retryable": refusal.retryable,
        "request_id": request_id,
    }
    if refusal.errors:
        members["errors"] = refusal.errors
    return members


def _invalid(error: ValidationError) -> Refusal:
    errors = [{"field": _field(details), "message": _message(details)} for details in error.errors]
    if errors[0]["field"] == "":
        return BadJson("The body is empty: send a JSON object.")
    return InvalidField("; ".join(f"{each['field']}: {each['message']}" for each in errors), errors=errors)


def _field(details: dict[str, Any]) -> str:
    """The name by which the caller knows a field: without the source and, in a body, the name of the argument."""
    source, *path = details["loc"]
    return ".".join(str(part) for part in (path[1:] if source == "body" else path))


def _message(details: dict[str, Any]) -> str:
    plain = _PLAIN_WORDS.get(details["type"])
    return plain.format(**details.get("ctx", {})) if plain else str(details["msg"])
