"""What other chats exported: authors, times, threads and reactions are kept, and everything can be projected."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from archive.guide import Guide
from archive.matrix import Matrix
from archive.slack import Slack
from archive.sources import Damaged, Labels, Source, emoji_of, handle_of, person_of
from commands.restoring import Restoring
from projections.items import Item, decode
from tests.archive.conftest import Server
from tests.archive.spoiling import with_junk
from tests.cast import NOON

FIXTURES = Path(__file__).parent / "fixtures"


async def bring_in(server: Server, source: Source, room: str) -> dict[str, Item]:
    """The messages of a room after an import, by the text they have now."""
    parts = server.deployment.parts
    await Restoring(parts.store, parts.mapper).append(source.decided())
    await server.project()
    page = await server.deployment.page(room, limit=200)
    items = [decode(item) for item in page.items]
    assert [item.seq for item in items] == sorted(item.seq for item in items)
    return {item.message or f"({item.seq})": item for item in items}


def times(source: Source) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for each in source.decided():
        found.setdefault(each.stream, []).append(each.event.occurred_at)
    return found


def slack_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "slack"), "zip", FIXTURES / "slack"))


@pytest.mark.parametrize("packed", [False, True])
async def test_slack_keeps_authors_times_threads_and_reactions(empty: Server, tmp_path: Path, packed: bool) -> None:
    source = Slack(slack_zip(tmp_path) if packed else FIXTURES / "slack")
    said = await bring_in(empty, source, "general")
    first = said["Who is <here>? See the page (https://example.org), #kitchen, @here"]
    assert (first.author.handle, first.created_at) == ("ada", "2026-11-22T12:00:01.000Z")
    assert first.reactions == {"👍🏼": 2, ":our_own_parrot:": 1}
    edited = said["me, @ada"]
    assert (edited.author.handle, edited.edited_at) == ("linus", "2026-11-22T12:00:05.000Z")
    assert said["in the thread"].author.handle == "Grace Hopper"
    assert said["in the thread"].reply_to == said["and to all"].reply_to == first.message_id
    thread = await empty.deployment.page("general", thread=first.message_id)
    assert len(thread.items) == 3
    assert said["[file: The tea]"].created_at > said["done"].created_at
    assert said["done"].author.handle == "deploybot"
    assert [item.redacted for item in said.values()].count(True) == 1
    assert {first.author.id, said["and to all"].author.id} == {person_of("slack", "U01ADA")}
    assert source.skipped == {"channel_join": 1, "direct conversations": 1}


async def test_slacks_channels_are_rooms_and_private_ones_stay_private(empty: Server) -> None:
    await bring_in(empty, Slack(FIXTURES / "slack"), "general")
    general = msgspec.json.decode(await empty.deployment.queries.room("general") or b"")
    assert (general["topic"], general["owner"]) == ("Coffee", person_of("slack", "U01ADA"))
    secret = msgspec.json.decode(await empty.deployment.queries.room("secret") or b"")
    assert secret["visibility"] == "private"
    assert await empty.deployment.queries.room("empty") is None
    [kettle] = (await empty.deployment.page("kitchen")).items
    assert decode(kettle).reply_to is None


async def test_matrix_keeps_authors_times_threads_edits_and_reactions(empty: Server) -> None:
    source = Matrix(FIXTURES / "matrix.json")
    said = await bring_in(empty, source, "The-garden")
    first = said["good morning"]
    assert (first.author.handle, first.author.id) == ("Ada", person_of("matrix", "@ada:example.org"))
    assert (first.created_at, first.edited_at) == ("2026-11-22T12:00:01.000Z", "2026-11-22T12:00:03.000Z")
    assert first.reactions == {"🫖": 1}
    assert said["and to you"].reply_to == said["in the thread"].reply_to == first.message_id
    assert said["[image: rose.png]"].author.handle == "grace"
    assert [item.redacted for item in said.values()].count(True) == 2
    room = msgspec.json.decode(await empty.deployment.queries.room("The-garden") or b"")
    assert (room["title"], room["topic"]) == ("The rose garden", "Roses")
    facts = await empty.deployment.log.read_room("The-garden", after=0, auditor=True)
    reasons = [fact.event.data["reason"] for fact in facts if fact.event and "reason" in fact.event.data]
    assert reasons == ["off topic", ""]
    assert source.skipped == {"m.room.create": 1}


def of_sqlite(folder: Path, *, with_rooms: bool) -> Path:
    path = folder / "db.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        if with_rooms:
            connection.execute("CREATE TABLE chat_room (id INTEGER PRIMARY KEY, name TEXT, label TEXT)")
            connection.execute("INSERT INTO chat_room VALUES (7, 'Lobby', 'lobby')")
        room, kind = (7, "room_id INTEGER") if with_rooms else ("lobby", "room TEXT")
        connection.execute(f"CREATE TABLE chat_message (id INTEGER PRIMARY KEY, {kind}, handle, message, timestamp)")
        rows = [(room, "ada", "hello", "2016-07-01 12:00:00.500"), (room, "grace", "hello, ada", "2016-07-01 12:00:01")]
        connection.executemany("INSERT INTO chat_message VALUES (NULL, ?, ?, ?, ?)", rows)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: of_sqlite(folder, with_rooms=True),
        lambda folder: of_sqlite(folder, with_rooms=False),
        lambda _: FIXTURES / "guide.json",
        lambda _: FIXTURES / "guide.csv",
    ],
)
async def test_the_guides_table_keeps_authors_and_times(
    empty: Server, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    said = await bring_in(empty, Guide(make(tmp_path)), "lobby")
    assert (said["hello"].author.handle, said["hello"].created_at) == ("ada", "2016-07-01T12:00:00.500Z")
    assert said["hello, ada"].created_at == "2016-07-01T12:00:01.000Z"
    assert said["hello"].author.id == person_of("guide", "ada") != said["hello, ada"].author.id


def test_rows_are_put_in_order_empty_ones_are_left_out_and_labels_are_made_to_fit() -> None:
    source = Guide(FIXTURES / "guide.csv")
    events = [each for each in source.decided() if each.stream == "lobby"]
    assert [each.event.data.get("message") for each in events] == [None, "before", "hello", "hello, ada"]
    assert {each.stream for each in source.decided()} == {"lobby", "api-room"}
    assert source.skipped == {"empty messages": 1}


@pytest.mark.parametrize("source", [Slack(FIXTURES / "slack"), Matrix(FIXTURES / "matrix.json")])
def test_time_never_runs_backwards(source: Source) -> None:
    for of_room in times(source).values():
        assert of_room == sorted(of_room)
    assert min(min(of_room) for of_room in times(source).values()) >= NOON - 86_400_000


def test_an_import_makes_the_same_events_every_time() -> None:
    source = Slack(FIXTURES / "slack")
    assert list(source.decided()) == list(source.decided())


def changed(folder: Path, name: str, body: str | None) -> Path:
    copy = folder / "export"
    shutil.copytree(FIXTURES / "slack", copy)
    if body is None:
        (copy / name).unlink()
    else:
        (copy / name).write_text(body)
    return copy


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("users.json", None),
        ("channels.json", "{}"),
        ("general/2026-11-22.json", '[{"type": "message"'),
        ("general/2026-11-22.json", '[{"type": "message", "ts": "yesterday"}]'),
    ],
)
def test_a_damaged_slack_export_says_which_file(tmp_path: Path, name: str, body: str | None) -> None:
    with pytest.raises(Damaged, match=name):
        list(Slack(changed(tmp_path, name, body)).decided())


def test_what_is_no_zip_file_is_refused() -> None:
    with pytest.raises(Damaged, match="no zip file"):
        Slack(FIXTURES / "guide.csv")


@pytest.mark.parametrize("body", ["", "[]", '{"messages": []}', '{"messages": [{"type": "m.room.message"}]}'])
def test_a_damaged_matrix_export_is_refused(tmp_path: Path, body: str) -> None:
    path = tmp_path / "matrix.json"
    path.write_text(body)
    with pytest.raises(Damaged, match=r"matrix\.json"):
        list(Matrix(path).decided())


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("room,handle,message,timestamp\nlobby,ada,hello,2016-07-01\nlobby,ada,hello,yesterday\n", "row 2: "),
        ("room,handle,message\nlobby,ada,hello\n", "row 1: there is no column 'timestamp'"),
        (json.dumps([{"room": "lobby", "handle": "ada", "message": "hello"}]), "row 1: there is no column"),
        ("[1]", "guide.txt"),
        ("SQLite format 3\0 and nothing else", "guide.txt"),
    ],
)
def test_a_damaged_table_says_which_row(tmp_path: Path, body: str, says: str) -> None:
    path = tmp_path / "guide.txt"
    path.write_text(body)
    with pytest.raises(Damaged, match=says):
        list(Guide(path).decided())


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Slack, "users.json"),
        (Slack, "channels.json"),
        (Slack, "general/2026-11-22.json"),
        (Slack, "general/2026-11-23.json"),
        (lambda folder: Matrix(folder / "matrix.json"), "matrix.json"),
        (lambda folder: Guide(folder / "guide.json"), "guide.json"),
    ],
)
def test_whatever_a_file_says_it_is_read_or_refused(tmp_path: Path, make: Callable[[Path], Source], name: str) -> None:
    shutil.copytree(FIXTURES / "slack", tmp_path, dirs_exist_ok=True)
    original = tmp_path / name if (tmp_path / name).exists() else FIXTURES / name
    refused = 0
    for text in with_junk(original.read_text(), 200):
        (tmp_path / name).write_text(text)
        try:
            make(tmp_path).check()
        except Damaged:
            refused += 1
    assert 0 < refused < 200


def test_a_time_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "guide.csv"
    path.write_text("room,handle,message,timestamp\nlobby,ada,hello,2016-07-01\n")
    Guide(path).check()
    happened = {"type": "m.room.message", "sender": "@ada:x", "event_id": "$1", "content": {"body": "hello"}}
    (tmp_path / "matrix.json").write_text(json.dumps({"messages": [{**happened, "origin_server_ts": 10**16}]}))
    with pytest.raises(Damaged, match="is no time"):
        Matrix(tmp_path / "matrix.json").check()


def test_a_zip_file_that_was_damaged_is_refused(tmp_path: Path) -> None:
    path = slack_zip(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 1000) + whole[-900:])
    with pytest.raises(Damaged):
        Slack(path).check()


def test_a_table_may_be_called_anything(tmp_path: Path) -> None:
    path = of_sqlite(tmp_path, with_rooms=True).rename(tmp_path / "what? 100%#1.sqlite3")
    assert len(list(Guide(path).decided())) == 3


def test_labels_fit_and_differ() -> None:
    labels = Labels()
    names = ("Café & Tee", "cafe-tee", "Café & Tee", "api", "🫖", "x" * 60, "x" * 60)
    assert [labels.give(name) for name in names] == [
        "Cafe-Tee", "cafe-tee", "Cafe-Tee-2", "api-room", "room", "x" * 50, "x" * 48 + "-2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "handle"), [("ada", "ada"), ("a\u202eda\0", "ada\ufffd"), ("x" * 60, "x" * 40), ("\u200b ", "Guest-ab12")]
)
def test_handles_fit(name: str, handle: str) -> None:
    assert handle_of(name, "guest:ab12cd") == handle


@pytest.mark.parametrize(
    ("name", "known", "emoji"), [("tada", "🎉", "🎉"), ("parrot", ":parrot:", ":parrot:"), ("a" * 20, "", "a" * 16)]
)
def test_reactions_fit(name: str, known: Any, emoji: str) -> None:
    assert emoji_of(name, known) == emoji
