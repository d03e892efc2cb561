"""The OpenAPI document: what ninja derives from the operations, completed by refusals, examples and credentials."""

from typing import Any

import msgspec
from ninja import NinjaAPI
from pydantic import BaseModel, ConfigDict

from api.problems import MEDIA_TYPE, describe
from commands.errors import (
    BadJson,
    BadRequest,
    Forbidden,
    Gone,
    Internal,
    InvalidField,
    NotFound,
    Overloaded,
    RateLimited,
    Refusal,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)

type Refusals = tuple[type[Refusal], ...]

EVERYWHERE: Refusals = (Internal, Unavailable, Unauthenticated, BadRequest, TooLarge, UnsupportedMediaType)
BODY: Refusals = (BadJson, InvalidField)
WRITING: Refusals = (Forbidden, Gone, RateLimited, Overloaded)
IN_ROOM: Refusals = (NotFound,)
SCHEMA = "#/components/schemas/"


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(BaseModel):
    """A refusal, as RFC 9457 wants it; `code` is for programs, `detail` for people."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    request_id: str
    errors: list[FieldError] | None = None


def documented(answers: dict[int, Any], *refusals: Refusals | type[Refusal]) -> dict[str, Any]:
    """The arguments of an operation that say how it answers: models by status, and every way in which it refuses."""
    known = set(EVERYWHERE)
    for each in refusals:
        known.update(each if isinstance(each, tuple) else (each,))
    responses: dict[int, Any] = {}
    for refusal in sorted(known, key=lambda refusal: (refusal.status, refusal.code)):
        entry = responses.setdefault(refusal.status, _refused())
        entry["content"][MEDIA_TYPE]["examples"][refusal.code] = {"value": describe(_sample(refusal), "5f0c…")}
        entry["description"] = " · ".join(entry["content"][MEDIA_TYPE]["examples"])
    return {"response": answers, "openapi_extra": {"responses": responses}}


def openapi(api: NinjaAPI, prefix: str) -> bytes:
    """The whole document as JSON; every address in it begins with `prefix`."""
    document: dict[str, Any] = api.get_openapi_schema(path_prefix=prefix)
    schemas = document["components"]["schemas"]
    schemas["FieldError"] = FieldError.model_json_schema()
    schemas["Problem"] = Problem.model_json_schema(ref_template=f"{SCHEMA}{{model}}")
    schemas["Problem"].pop("$defs")
    optional: list[dict[str, Any]] = [{}, *({name: []} for name in document["components"]["securitySchemes"])]
    for operations in document["paths"].values():
        for operation in operations.values():
            operation.setdefault("security", optional)
            operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
            _add_examples(operation, schemas)
    _drop_unused(document)
    return msgspec.json.encode(document)


def _refused() -> dict[str, Any]:
    return {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMA}Problem"}, "examples": {}}}}


def _sample(refusal: type[Refusal]) -> Refusal:
    if refusal is InvalidField:
        return InvalidField.of("message", "is required")
    return refusal()


def _add_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Swagger UI and readers look for examples beside the media type, pydantic keeps them in the schema."""
    for part in (operation.get("requestBody", {}), *operation["responses"].values()):
        for media in part.get("content", {}).values():
            if "examples" not in media:
                media["example"] = _example_of(media["schema"], schemas)


def _drop_unused(document: dict[str, Any]) -> None:
    """Without the models of query parameters: each parameter is described where it stands."""
    text = msgspec.json.encode(document).decode()
    schemas = document["components"]["schemas"]
    for name in [name for name in schemas if f'"{SCHEMA}{name}"' not in text]:
        del schemas[name]


def _example_of(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example for a schema: its own, or made of its parts' examples and the plainest values."""
    if "$ref" in schema:
        return _example_of(schemas[schema["$ref"].removeprefix(SCHEMA)], schemas)
    if "examples" in schema:
        return schema["examples"][0]
    if parts := schema.get("anyOf") or schema.get("allOf"):
        return _example_of(parts[0], schemas)
    match schema.get("type"):
        case "object":
            return {name: _example_of(part, schemas) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [_example_of(schema["items"], schemas)]
        case simple:
            return {"integer": 431, "number": 0.1, "boolean": True, "null": None}.get(str(simple), "garden")
