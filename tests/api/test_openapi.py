"""The OpenAPI document: it names what there is, and what it says is what happens."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.client import ROOT, Client

PATHS = {
    ("POST", "/guests"),
    ("POST", "/rooms"),
    ("GET", "/rooms"),
    ("GET", "/rooms/{label}"),
    ("PATCH", "/rooms/{label}"),
    ("POST", "/rooms/{label}/messages"),
    ("GET", "/rooms/{label}/messages"),
    ("GET", "/rooms/{label}/messages/{message_id}"),
    ("GET", "/rooms/{label}/messages/{message_id}/revisions"),
    ("GET", "/rooms/{label}/tape"),
    ("PATCH", "/rooms/{label}/messages/{message_id}"),
    ("DELETE", "/rooms/{label}/messages/{message_id}"),
    ("PUT", "/rooms/{label}/messages/{message_id}/reactions/{emoji}"),
    ("DELETE", "/rooms/{label}/messages/{message_id}/reactions/{emoji}"),
    ("GET", "/rooms/{label}/events"),
    ("GET", "/rooms/{label}/export"),
    ("PUT", "/rooms/{label}/bans/{person}"),
    ("DELETE", "/rooms/{label}/bans/{person}"),
    ("GET", "/projections"),
    ("GET", "/log/head"),
    ("GET", "/log/inclusion"),
    ("GET", "/log/consistency"),
}
AUDITED = {
    ("GET", "/events"),
    ("GET", "/people/{person}"),
    ("DELETE", "/people/{person}"),
    ("PUT", "/people/{person}/hold"),
    ("DELETE", "/people/{person}/hold"),
    ("PUT", "/rooms/{label}/hold"),
    ("DELETE", "/rooms/{label}/hold"),
}
"""They are for auditors."""
PROOFS = {("GET", "/log/head"), ("GET", "/log/inclusion"), ("GET", "/log/consistency")}
"""They are answered when a head has been signed (test_log.py)."""


async def test_it_names_every_path_of_the_contract(nobody: Client) -> None:
    assert {(method, path.removeprefix(ROOT)) for method, path in nobody.document.operations} == PATHS | AUDITED


async def test_its_examples_are_what_its_schemas_describe(nobody: Client) -> None:
    document = nobody.document
    for (method, path), operation in document.operations.items():
        assert operation["description"], f"{method} {path}"
        parts = [operation.get("requestBody", {"content": {}}), *operation["responses"].values()]
        for media in (media for part in parts for media in part["content"].values()):
            examples = [each["value"] for each in media["examples"].values()] if "examples" in media else []
            for example in examples or [media["example"]]:
                document.validate(media["schema"], example)
    for schema in document.document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_every_refusal_is_documented_as_a_problem(nobody: Client) -> None:
    for (method, path), operation in nobody.document.operations.items():
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"400", "401", "500", "503"} <= refusals.keys(), f"{method} {path}"
        for answer in refusals.values():
            assert list(answer["content"]) == ["application/problem+json"]


async def test_what_writes_asks_for_credentials(nobody: Client) -> None:
    for (method, path), operation in nobody.document.operations.items():
        optional, audited = {} in operation["security"], (method, path.removeprefix(ROOT)) in AUDITED
        assert optional == (not audited and (method == "GET" or path.endswith("/guests"))), f"{method} {path}"
        assert audited == (operation["security"] == [{"AuditToken": []}])


@pytest.mark.parametrize(("method", "path"), sorted((PATHS - PROOFS) | AUDITED))
async def test_an_operation_answers_its_own_example_as_documented(
    ada: Client, grace: Client, auditor: Client, garden: str, method: str, path: str
) -> None:
    operation = ada.document.operations[method, ROOT + path]
    if path != "/rooms" or method != "POST":
        await ada.open(garden)
    posted = await ada.post(garden, "hi")
    audited = (method, path) in AUDITED
    person = ada.person if audited else grace.person
    places = {"label": garden, "message_id": posted["message_id"], "person": person, "emoji": "🫖"}
    what: dict[str, Any] = {}
    if body := operation.get("requestBody"):
        what["json"] = body["content"]["application/json"]["example"]
        if "label" in what["json"]:
            what["json"] = {**what["json"], "label": f"{garden}-new"}
    if method == "GET" and "min_position" in {each["name"] for each in operation["parameters"]}:
        what["params"] = {"min_position": posted["position"]}
    response = await (auditor if audited else ada).ask(method, path.format(**places), **what)
    assert str(response.status_code) == min(operation["responses"]) or response.status_code == 201


async def test_the_document_may_be_kept_but_is_asked_for_anew(nobody: Client) -> None:
    response = await nobody.http.get("/api/openapi.json")
    assert response.headers["cache-control"] == "no-cache"
    assert response.json()["openapi"].startswith("3.1")
