"""Whatever is sent, the answer is one that is documented, and never that something broke."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.client import JSON, Client

anything = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
texts = st.text(max_size=70) | st.sampled_from(["general", "guest:ada", "\0", "\ud800", "5", "2026-11-22T09:43:43Z"])
numbers = st.integers() | st.floats() | st.sampled_from([2**53, 2**63, 10**30, -1, 0])
values = st.recursive(st.none() | st.booleans() | numbers | texts, lambda inner: st.lists(inner, max_size=3))
FIELDS = (
    "label",
    "title",
    "visibility",
    "topic",
    "archived",
    "slow_mode_s",
    "retain_days",
    "message",
    "handle",
    "client_msg_id",
)
bodies = st.dictionaries(st.sampled_from((*FIELDS, "reply_to", "until", "reason")), values, max_size=5)
PARAMETERS = ("before", "after", "around", "at", "limit", "min_position", "types", "as_of", "unknown")
places = texts.map(lambda text: quote(text.encode(errors="surrogatepass"), safe="")) | st.just("general")
paths = st.one_of(
    st.sampled_from(["/guests", "/rooms", "/projections", "/rooms/general/messages", "/rooms/general"]),
    st.builds("/rooms/{}".format, places),
    st.builds("/rooms/{}/messages/{}".format, places, places),
    st.builds("/rooms/general/messages/{}/reactions/{}".format, places, places),
    st.builds("/rooms/general/messages/01938a5c7b1e9d04c1f6a8b2e35d7f90/reactions/{}".format, places),
    st.builds("/rooms/{}/events".format, places),
    st.builds("/rooms/general/bans/{}".format, places),
)
header_values = st.binary(max_size=80).map(lambda raw: raw.translate(None, b"\r\n\0")) | st.sampled_from(
    [b"Bearer " + b"a" * 5000, b'multipart/form-data; boundary="', b"application/json; charset*=x''%ff", b"[::1"]
)
headers = st.dictionaries(
    st.sampled_from(["Content-Type", "Cookie", "Authorization", "Idempotency-Key", "User-Agent", "Host", "Origin"]),
    header_values,
    max_size=3,
)


@anything
@given(method=st.sampled_from(["POST", "PATCH", "PUT", "DELETE"]), path=paths, body=bodies)
async def test_any_fields_are_taken_or_refused(ada: Client, method: str, path: str, body: dict[str, Any]) -> None:
    assert (await ada.ask(method, path, content=json.dumps(body), headers=JSON)).status_code < 500


@anything
@given(path=paths, params=st.dictionaries(st.sampled_from(PARAMETERS), texts | numbers.map(str), max_size=4))
async def test_any_parameters_are_taken_or_refused(ada: Client, path: str, params: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(text.encode(errors='surrogatepass'))}" for name, text in params.items())
    response = await ada.ask("GET", f"{path}?{query}")
    assert response.status_code < 500 or response.json()["code"] == "projection_behind"


@anything
@given(method=st.sampled_from(["GET", "POST", "PATCH", "PUT"]), path=paths, body=st.binary(), sent=headers)
async def test_any_headers_and_bytes_are_taken_or_refused(
    ada: Client, method: str, path: str, body: bytes, sent: dict[str, bytes]
) -> None:
    response = await ada.ask(method, path, content=body, headers={"Content-Type": b"application/json", **sent})
    assert response.status_code < 500 or response.json()["code"] == "projection_behind"
