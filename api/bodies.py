"""The bodies of requests: JSON objects, read strictly, and the shape of each."""

import json
from typing import Any, Literal, NoReturn

import msgspec
from django.http import HttpRequest
from ninja.parser import Parser
from pydantic import BaseModel, ConfigDict, Field, field_validator

from commands.errors import BadJson, BadRequest
from commands.member import MAX_HANDLE, MAX_REASON
from commands.message import MAX_CLIENT_MSG_ID, MAX_MESSAGE
from commands.rules import MAX_RETAIN_DAYS, MAX_SLOW_MODE_S, MAX_TITLE, MAX_TOPIC

MAX_NESTING = 32
_MAX_DIGITS = 4000
_TOO_BIG = 10**30


class Body(BaseModel):
    """What every body has in common: nothing is coerced, unknown fields are ignored."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class NewGuest(Body):
    """Who wants to be a guest, and under which handle."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"handle": "ada"}]})

    handle: str | None = Field(default=None, min_length=1, max_length=MAX_HANDLE)


class NewRoom(Body):
    """A room to be opened; without a title it is called by its label."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"label": "garden", "title": "The garden", "visibility": "public"}]}
    )

    label: str = Field(description="1–50 of A–Z, a–z, 0–9, _ and -")
    title: str | None = Field(default=None, max_length=MAX_TITLE)
    visibility: Literal["public", "private"] = "public"


class RoomChanges(Body):
    """What to change; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"topic": "What grows, and when"}]})

    title: str | None = Field(default=None, max_length=MAX_TITLE)
    topic: str | None = Field(default=None, max_length=MAX_TOPIC)
    archived: bool | None = None
    slow_mode_s: int | None = Field(default=None, ge=0, le=MAX_SLOW_MODE_S)
    retain_days: int | None = Field(
        default=None, ge=0, le=MAX_RETAIN_DAYS, description="For how many days what is said is kept; 0: for ever"
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        if value is None:
            raise ValueError("cannot be null: leave it out")
        return value


class NewMessage(Body):
    """Something to say."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"message": "The beans are up.", "client_msg_id": "01938a5c-7b1e-7c3a-9f00-5a1d2c3b4e5f"}]
        }
    )

    message: str = Field(min_length=1, max_length=MAX_MESSAGE)
    handle: str | None = Field(default=None, min_length=1, max_length=MAX_HANDLE)
    client_msg_id: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CLIENT_MSG_ID,
        description="Names the message, so that it can be sent again without being said twice. A UUIDv7 is best.",
    )
    reply_to: str | None = Field(default=None, description="The message_id that this answers")


class Edit(Body):
    """What a message says from now on."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"message": "The beans are up, and the peas."}]})

    message: str = Field(min_length=1, max_length=MAX_MESSAGE)


class NewBan(Body):
    """How long somebody is kept out, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"until": "2100-01-01T00:00:00.000Z", "reason": "Advertising"}]}
    )

    until: str | None = Field(default=None, description="RFC 3339; without it the ban has no end")
    reason: str = Field(default="", max_length=MAX_REASON)


class NewHold(Body):
    """Why nothing may be erased."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Case 12-345"}]})

    reason: str = Field(default="", max_length=MAX_REASON)


class JsonObjects(Parser):
    """Reads bodies as ninja's parser; what is not a JSON object of bounded depth is refused."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        """Raises: BadJson, BadRequest for other values than objects and for deep nesting."""
        body = request.body
        try:
            value = msgspec.json.decode(body)
        except RecursionError:
            raise BadRequest(_TOO_DEEP) from None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            value = _decode_oddities(body)
        if not isinstance(value, dict):
            raise BadRequest("Send a JSON object.")
        if body.count(b"{") + body.count(b"[") > MAX_NESTING:
            _check_nesting(value, MAX_NESTING)
        return value


_TOO_DEEP = f"The JSON is nested deeper than {MAX_NESTING} levels."


def _decode_oddities(body: bytes) -> Any:
    """Decode what is JSON by its grammar but not by msgspec: unpaired surrogates and numbers out of any range."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant, parse_int=_bounded_int)
    except RecursionError:
        raise BadRequest(_TOO_DEEP) from None
    except UnicodeDecodeError:
        raise BadJson("The body is not valid UTF-8.") from None
    except ValueError:
        raise BadJson from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _bounded_int(digits: str) -> int:
    return int(digits) if len(digits) < _MAX_DIGITS else _TOO_BIG


def _check_nesting(value: Any, levels: int) -> None:
    """Raises: BadRequest when containers stand in each other deeper than `levels`."""
    if isinstance(value, dict | list):
        if levels == 0:
            raise BadRequest(_TOO_DEEP)
        for part in value.values() if isinstance(value, dict) else value:
            _check_nesting(part, levels - 1)
