"""What leaves: everything for auditors, what readers may see for readers, as it is and as it was."""

import csv
import io
import json
from typing import Any

import pytest

from archive.table import defused
from commands.errors import AfterBeyondHead, NotFound, ProjectionBehind
from tests.archive.conftest import Server, whole
from tests.archive.past import BEFORE, SECRET
from tests.cast import ADA, GARDEN, GENERAL, NOON


def lines(file: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.decode().splitlines()]


def rows(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


async def test_an_auditor_gets_every_event_with_where_it_came_from_and_how_it_is_stored(server: Server) -> None:
    header, *events, last = lines(await server.export())
    assert (header["format"], header["version"], header["view"], header["room"]) == (
        "verbatim.export", 1, "auditor", GENERAL,
    )  # fmt: skip
    head = await server.deployment.log.head(GENERAL)
    assert [event["seq"] for event in events] == list(range(1, head + 1))
    assert all(event["state"] and event["topic"] and event["request_id"] == "r" for event in events)
    said = [event["data"].get("message") for event in events if event["event"] == "message.posted"]
    assert said[:3] == [BEFORE, '=HYPERLINK("x")', SECRET]
    assert [event.get("stub") for event in events if event["actor"] == "guest:gone"] == ["erased"]
    manifest = last["manifest"]
    assert (manifest["lines"], manifest["first_seq"], manifest["last_seq"]) == (head, 1, head)
    assert manifest["last_position"] == events[-1]["position"]
    assert manifest["tree_head"]["position"] >= events[-1]["position"]


async def test_a_reader_gets_stubs_and_nothing_of_where_things_came_from(server: Server) -> None:
    file = await server.export(auditor=False)
    assert SECRET.encode() not in file
    header, *events, last = lines(file)
    assert header["view"] == "reader"
    assert [event["seq"] for event in events if event.get("stub") == "redacted"] == [4]
    assert not [event for event in events if {"request_id", "address", "client", "state", "topic"} & event.keys()]
    assert "tree_head" not in last["manifest"]


async def test_everything_is_by_position_and_has_every_stream(server: Server) -> None:
    header, *events, last = lines(await server.export(None))
    assert header["room"] is None
    assert [event["position"] for event in events] == sorted(event["position"] for event in events)
    assert {event["stream"] for event in events} == {GENERAL, GARDEN, GARDEN + "-2"}
    assert (last["manifest"]["lines"], last["manifest"]["streams"]) == (len(events), 3)


@pytest.mark.parametrize("auditor", [True, False])
async def test_a_table_has_a_row_for_each_message_and_no_formula(server: Server, auditor: bool) -> None:
    file = await server.export(form="csv", auditor=auditor)
    first, answer, secret, gone, last = rows(file)
    assert first["message"] == "we meet at <b>ten</b> 🫖"
    assert (first["reactions"], first["handle"], bool(first["edited_at"])) == ("👍 2", "ada", True)
    assert answer["message"] == """'=HYPERLINK("x")"""
    assert answer["reply_to"] == first["message_id"]
    assert (secret["redacted"], secret["message"]) == ("yes", SECRET if auditor else "")
    assert (gone["redacted"], gone["message"], gone["handle"]) == ("yes", "", "")
    assert last["message"] == "good morning"
    assert ("request_id" in first) == auditor
    if auditor:
        assert (first["request_id"], secret["redacted_by"], secret["reason"]) == ("r", ADA, "not here")
    else:
        assert SECRET.encode() not in file


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert defused(cell) == f"'{cell}"
    assert defused(f"say {cell}") == f"say {cell}"


@pytest.mark.parametrize("auditor", [True, False])
async def test_a_page_needs_nothing_from_outside_and_runs_nothing(server: Server, auditor: bool) -> None:
    page = (await server.export(form="html", auditor=auditor)).decode()
    assert "we meet at &lt;b&gt;ten&lt;/b&gt; 🫖" in page
    assert '<h1 dir="auto">Général</h1>' in page
    assert (SECRET in page) == auditor
    assert ("not here" in page) == auditor
    assert not [tag for tag in ("<script", "<img", "<link", "src=", "url(", "@import", "http:") if tag in page]
    assert '"sha256":"' in page
    assert page.rstrip().endswith("</html>")


async def test_every_format_is_of_any_moment(server: Server) -> None:
    _, *events, last = lines(await server.export(as_of=5))
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
    assert (last["manifest"]["as_of"], last["manifest"]["last_seq"]) == (5, 5)
    assert [row["message"] for row in rows(await server.export(form="csv", as_of=4))] == [
        BEFORE, """'=HYPERLINK("x")""", SECRET,
    ]  # fmt: skip
    assert rows(await server.export(form="csv", auditor=False, as_of=4))[2]["message"] == ""
    page = (await server.export(form="html", as_of=2)).decode()
    assert BEFORE in page
    assert "HYPERLINK" not in page


async def test_a_time_is_a_moment(server: Server) -> None:
    event = (await server.deployment.log.read_room(GENERAL, after=2, limit=1))[0].event
    assert event
    _, *events, _ = lines(await server.export(as_of_time=event.occurred_at))
    assert events[-1]["seq"] >= 3
    _, *everything, last = lines(await server.export(None, as_of_time=NOON - 10**12))
    assert (everything, last["manifest"]["lines"]) == ([], 0)


async def test_before_the_first_event_there_is_nothing(server: Server) -> None:
    for form in ("ndjson", "csv", "html"):
        file = await server.export(form=form, as_of=0)
        assert BEFORE.encode() not in file


async def test_a_moment_that_has_not_come_is_refused(server: Server) -> None:
    head = await server.deployment.log.head(GENERAL)
    with pytest.raises(AfterBeyondHead):
        await server.exports.of_room(GENERAL, as_of=head + 1)


async def test_a_room_that_is_not_there_is_refused(server: Server) -> None:
    with pytest.raises(NotFound):
        await server.exports.of_room("nowhere")


@pytest.mark.parametrize("everything", [False, True])
async def test_what_is_said_while_an_export_runs_is_not_in_it(server: Server, everything: bool) -> None:
    exports = server.exports
    part = await (exports.of_everything() if everything else exports.of_room(GENERAL, auditor=True))
    pieces = exports.write(part, "ndjson")
    await anext(pieces)
    await server.deployment.say(ADA, "later")
    await server.project()
    rest = await whole(pieces)
    assert b'"later"' not in rest
    manifest = json.loads(rest.splitlines()[-1])["manifest"]
    assert (manifest["last_position"], manifest["tree_head"]["position"]) == (part.position, part.position)


async def test_messages_wait_for_the_history_and_events_do_not(empty: Server) -> None:
    await empty.deployment.say(ADA, "hello")
    assert b"hello" in await empty.export()
    with pytest.raises(ProjectionBehind):
        await empty.export(form="csv")


async def test_a_large_room_is_the_same_page_by_page(empty: Server) -> None:
    await empty.deployment.say(ADA, *(f"number {i}" for i in range(600)))
    await empty.project()
    assert len(rows(await empty.export(form="csv"))) == 600
    assert len(lines(await empty.export())) == 603
    assert (await empty.export(form="html")).decode().count('<li class="line"') == 600
