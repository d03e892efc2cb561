"""Every field of every frame, wrong in every way: its code, and a socket that goes on."""

import json
from typing import Any

import pytest

from tests.cast import ADA, GENERAL
from tests.realtime.client import Client
from tests.realtime.world import World

BAD_LABELS = ["", "x" * 51, "a b", "ä", "a/b", "a\n", "\0", "\ud800", 5, None, ["a"], {}, True]
BAD_SEQS = [-1, 1.5, 1.0, "1", True, [], {}, 2**53, 10**30, float("1e300"), float("inf"), -(2**63)]
BAD_TEXTS = [5, 1.5, True, [], {}, "\ud800", "a\udfffb"]


WRONG_IN_A_POST = {
    "message": [*BAD_TEXTS, None, "", " \n\t", "\0", "a\0b", "x" * 10_001],
    "handle": [*BAD_TEXTS, "", " ", "x" * 41, "a\0", "a\u202eb", "a\u200bb", "a\nb"],
    "client_msg_id": [*BAD_TEXTS, "", "x" * 65, "a\0"],
    "reply_to": [*BAD_TEXTS, "", "nonsense", "0" * 32, "A" * 32, "\0"],
}


async def refused(client: Client, **frame: Any) -> tuple[str, str]:
    """The code of the answer, and the field that its message begins with."""
    await client.send_raw(json.dumps({"id": "bad", **frame}).replace("Infinity", "1e999"))
    answer = await client.receive("error")
    assert answer["id"] == "bad"
    assert answer["retryable"] is False
    return answer["code"], answer["message"].partition(":")[0]


@pytest.mark.parametrize("type_", ["subscribe", "unsubscribe", "post", "ack", "typing", "read"])
async def test_a_label_outside_the_rule_is_an_invalid_field(served: World, type_: str) -> None:
    async with served.connect() as client:
        for label in BAD_LABELS:
            frame = {"type": type_, "room": label, "message": "hi", "seq": 1}
            assert await refused(client, **frame) == ("invalid_field", "room"), label
        assert await refused(client, type=type_, message="hi", seq=1) == ("invalid_field", "room")


@pytest.mark.parametrize("type_", ["subscribe", "post"])
async def test_a_reserved_label_says_so(served: World, type_: str) -> None:
    async with served.connect() as client:
        for label in ("api", "Admin", "chat", "STATIC", "new", "accounts", "health", "metrics"):
            assert (await refused(client, type=type_, room=label, message="hi"))[0] == "label_reserved"


async def test_a_seq_that_is_none_is_an_invalid_field(served: World) -> None:
    async with served.connect() as client:
        for seq in BAD_SEQS:
            assert await refused(client, type="subscribe", room=GENERAL, after=seq) == ("invalid_field", "after"), seq
            for type_ in ("ack", "read"):
                assert await refused(client, type=type_, room=GENERAL, seq=seq) == ("invalid_field", "seq"), seq
        assert await refused(client, type="ack", room=GENERAL) == ("invalid_field", "seq")
        assert await refused(client, type="ack", room=GENERAL, seq=None) == ("invalid_field", "seq")
        assert await refused(client, type="subscribe", room=GENERAL, after=2**53 - 1) == (
            "after_beyond_head", "The room has not come that far yet.",
        )  # fmt: skip


@pytest.mark.parametrize(("field", "values"), WRONG_IN_A_POST.items())
async def test_a_wrong_field_of_a_post_is_named(served: World, field: str, values: list[Any]) -> None:
    async with served.connect() as client:
        for value in values:
            frame = {"type": "post", "room": GENERAL, "message": "hi", field: value}
            assert await refused(client, **frame) == ("invalid_field", field), value
        assert (await client.ask("post", room=GENERAL, message="hi"))["type"] == "posted"


async def test_a_post_without_a_message_is_refused(served: World) -> None:
    async with served.connect() as client:
        assert await refused(client, type="post", room=GENERAL) == ("invalid_field", "message")


WRONG_IN_A_CHANGE = {
    "edit": {"message": WRONG_IN_A_POST["message"]},
    "redact": {"reason": [*BAD_TEXTS, "x" * 501, "a\0"]},
    "react": {"emoji": [*BAD_TEXTS, None, "", "a b", "x" * 17, "\0", "\u202e", "\u200d", "a/b"]},
}
BAD_MESSAGE_IDS = [*BAD_TEXTS, None, "", "nonsense", "A" * 32, "\0"]


@pytest.mark.parametrize("type_", ["edit", "redact", "react", "unreact"])
async def test_a_wrong_field_of_a_change_is_named(served: World, type_: str) -> None:
    posted = await served.say("hi")
    right = {"type": type_, "room": GENERAL, "message_id": posted.message_id, "message": "ho", "emoji": "🫖"}
    wrong: dict[str, list[Any]] = {"message_id": BAD_MESSAGE_IDS, "room": BAD_LABELS}
    wrong |= WRONG_IN_A_CHANGE[type_ if type_ != "unreact" else "react"]
    async with served.connect(token=served.token(ADA)) as client:
        for field, values in wrong.items():
            for value in values:
                assert await refused(client, **right | {field: value}) == ("invalid_field", field), value
            if field != "reason":
                rest = {name: value for name, value in right.items() if name != field}
                assert await refused(client, **rest) == ("invalid_field", field)
        assert (await client.ask(right.pop("type") or "", **right))["type"] == "done"


async def test_an_unknown_or_missing_type_is_a_bad_request(served: World) -> None:
    types: tuple[Any, ...] = (None, 5, True, [], {}, "", "shout", "POST", "\0", "\ud800")
    async with served.connect() as client:
        for type_ in types:
            assert (await refused(client, type=type_, room=GENERAL, message="hi"))[0] == "bad_request", type_
        assert (await refused(client))[0] == "bad_request"


async def test_an_id_that_cannot_be_repeated_is_an_invalid_field(served: World) -> None:
    ids: tuple[Any, ...] = (True, 1.5, [], {}, "x" * 65, 2**53, 10**30, "\ud800")
    async with served.connect() as client:
        for frame_id in ids:
            await client.send("ping", id=frame_id)
            answer = await client.receive("error")
            code, field = answer["code"], answer["message"].partition(":")[0]
            assert (code, field, "id" in answer) == ("invalid_field", "id", False), frame_id


async def test_unknown_fields_are_ignored_whatever_is_in_them(served: World) -> None:
    async with served.connect() as client:
        for more in ("null", "10e9999", "9" * 5000, '"\\ud800"', '"\\u0000"', "[" * 30 + "]" * 30):
            await client.send_raw(f'{{"type":"ping","id":1,"room":{more},"\\udead":1}}')
            assert await client.receive() == {"type": "pong", "id": 1}


async def test_null_is_as_good_as_missing_where_a_field_may_be_missing(served: World) -> None:
    async with served.connect() as client:
        assert (await client.subscribe(GENERAL, after=None))["after"] == 1
        posted = await client.ask("post", room=GENERAL, message="hi", handle=None, client_msg_id=None, reply_to=None)
        assert posted["type"] == "posted"


async def test_json_may_be_nested_32_deep_and_no_deeper(served: World) -> None:
    async with served.connect() as client:
        await client.send_raw('{"type":"ping","more":' + "[" * 31 + "]" * 31 + "}")
        await client.receive("pong")
        await client.send_raw('{"type":"ping","more":"' + "[{" * 200 + '"}')
        await client.receive("pong")
        for deep in ("[" * 32 + "]" * 32, '{"a":' * 32 + "1" + "}" * 32, "[" * 30_000):
            await client.send_raw('{"type":"ping","more":' + deep + "}")
            assert (await client.receive("error"))["code"] == "bad_request"
        assert (await client.ask("ping"))["type"] == "pong"


NOT_JSON = (
    *("", "{", "hi", '{"type":"ping"} {}', '{"type":"ping",}', "{'type':'ping'}", "\ufeff{}"),
    *(f'{{"type":"ping","more":{broken}}}' for broken in ("NaN", "-Infinity", "01", '"\x01"', '"\\x"')),
)
NO_OBJECTS = ("[]", '"ping"', "5", "null", "true")
MALFORMED = {
    **dict.fromkeys(NOT_JSON, "bad_json"),
    **dict.fromkeys(NO_OBJECTS, "bad_request"),
}


async def test_what_is_no_frame_is_refused(served: World) -> None:
    async with served.connect() as client:
        for text, code in MALFORMED.items():
            await client.send_raw(text)
            answer = await client.receive("error")
            assert (answer["code"], "id" in answer) == (code, False), text
            await client.ask("ping")


async def test_the_third_malformed_frame_in_a_row_closes(served: World) -> None:
    async with served.connect() as client:
        for text in ("{", b"{}", "[]"):
            await client.send_raw(text)
        closed, frames = await client.closed()
        assert [frame["type"] for frame in frames] == ["error", "error", "disconnect"]
        assert frames[-1] == {
            "type": "disconnect", "code": 4501, "reason": frames[-1]["reason"], "reconnect": False, "retry_after_ms": 0,
        }  # fmt: skip
        assert closed == 4501


async def test_a_frame_that_is_only_wrong_ends_the_row_of_malformed_ones(served: World) -> None:
    async with served.connect() as client:
        for _ in range(3):
            for frame in ("{", b'{"type":"ping"}', '{"type":"shout"}'):
                await client.send_raw(frame)
                await client.receive("error")
        assert (await client.ask("ping"))["type"] == "pong"


async def test_binary_frames_are_malformed(served: World) -> None:
    async with served.connect() as client:
        for _ in range(2):
            await client.send_raw(b'{"type":"ping"}')
            assert (await client.receive("error"))["code"] == "bad_request"
        await client.send_raw(b"\xff\xff")
        assert (await client.closed())[0] == 4501
