"""Holds answers against the OpenAPI document: what is not written there must not be answered."""

import re
from functools import cached_property
from typing import Any

import httpx
from jsonschema import Draft202012Validator


class Document:
    """The OpenAPI document of the API under test."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @cached_property
    def operations(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Every operation by method and path, the path with its `{names}`."""
        return {
            (method.upper(), path): operation
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
        }

    def find(self, method: str, path: str) -> dict[str, Any] | None:
        """The operation that a request is for; None for an address or method that is not documented."""
        for (known, template), operation in self.operations.items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", template)
            if known == method and re.fullmatch(pattern, path):
                return operation
        return None

    def check(self, method: str, path: str, response: httpx.Response) -> None:
        """Raises: AssertionError, ValidationError when an answer is not as documented."""
        operation = self.find(method, path)
        if operation is None:
            assert response.status_code in (400, 404, 405, 413, 415), f"{method} {path} is not documented"
            return
        answers = operation["responses"]
        assert str(response.status_code) in answers, f"{method} {path}: {response.status_code} is not documented"
        media = answers[str(response.status_code)]["content"]
        media_type = response.headers["content-type"]
        assert media_type in media, f"{method} {path} answers {media_type}"
        is_json = media_type.endswith(("/json", "+json"))
        self.validate(media[media_type]["schema"], response.json() if is_json else response.text)
        if "examples" in media[media_type]:
            assert response.json()["code"] in media[media_type]["examples"]

    def validate(self, schema: dict[str, Any], value: Any) -> None:
        """Raises: ValidationError."""
        Draft202012Validator({**schema, "components": self.document["components"]}).validate(value)
