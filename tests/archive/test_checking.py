"""An export is checked with a public key alone: whatever was changed is found, and named."""

import json
import os
from collections.abc import Callable, Iterator, Sequence

import pytest
from django.conf import settings

from archive.checking import Check
from archive.lines import with_check
from commands.events import Cause, MessagePosted, RoomOpened
from commands.restoring import Decided, Restoring
from commands.treehead import SigningKey
from tests.archive.conftest import PUBLIC_KEY, Server
from tests.archive.forging import Lines, forge
from tests.archive.past import SECRET, rewrite
from tests.cast import GARDEN, GENERAL, NOON


def check(lines: Sequence[bytes], key: bytes = PUBLIC_KEY) -> Check:
    checked = Check({key})
    for _ in checked.entries(lines):
        pass
    return checked


def findings(lines: Sequence[bytes], key: bytes = PUBLIC_KEY) -> list[str]:
    return [str(finding) for finding in check(lines, key).findings]


async def test_what_was_not_touched_is_proved(server: Server) -> None:
    for room in (GENERAL, GARDEN, None):
        checked = check((await server.export(room)).splitlines(keepends=True))
        assert checked.findings == []
        assert checked.proved == checked.account.lines > 0


async def test_so_is_the_past(server: Server) -> None:
    for as_of in (0, 1, 7):
        checked = check((await server.export(as_of=as_of)).splitlines(keepends=True))
        assert (checked.findings, checked.proved) == ([], as_of)


async def test_a_room_that_is_seldom_in_a_long_log_is_proved_and_one_that_is_often(empty: Server) -> None:
    parts = empty.deployment.parts
    await Restoring(parts.store, parts.mapper).append(told(1500, seldom=150))
    await empty.project()
    for room, events in ((GENERAL, 1491), (GARDEN, 11), (None, 1502)):
        checked = check((await empty.export(room)).splitlines(keepends=True))
        assert (checked.findings, checked.proved) == ([], events)
    assert check((await empty.export(GARDEN, as_of=3)).splitlines(keepends=True)).proved == 3


async def test_a_readers_file_is_whole_and_signed(server: Server) -> None:
    checked = check((await server.export(auditor=False)).splitlines(keepends=True))
    assert (checked.findings, checked.proved) == ([], 0)


async def test_what_the_tree_has_not_reached_is_signed_and_no_more(empty: Server) -> None:
    await empty.deployment.say("guest:ada", "one", "two")
    await empty.project()
    await empty.export()
    await empty.deployment.say("guest:ada", "three")
    checked = check((await empty.export()).splitlines(keepends=True))
    assert (checked.findings, checked.proved, checked.account.lines) == ([], 3, 4)


@pytest.mark.parametrize("number", [2, 3, 8, 15])
async def test_a_byte_that_changed_is_found_where_it_is(exported: Lines, number: int) -> None:
    line = exported[number]
    for place in (50, len(line) // 3, len(line) // 2, len(line) - 40, len(line) - 5):
        changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        found = findings([*exported[:number], changed, *exported[number + 1 :]])
        assert found[0].startswith(f"line {number + 1}: ")
        assert f"general/{number} " in found[0] or f"after general/{number - 1}" in found[0]


def without(lines: Lines) -> Lines:
    return [*lines[:5], *lines[6:]]


def swapped(lines: Lines) -> Lines:
    return [*lines[:5], lines[6], lines[5], *lines[7:]]


def inserted(lines: Lines) -> Lines:
    """One more message, which somebody else made up from what another line says of itself."""
    line = json.loads(lines[5]) | {"seq": 6, "actor": "guest:mallory"}
    del line["check"], line["leaf"]
    made_up = with_check(json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()) + b"\n"
    return [*lines[:6], made_up, *lines[6:]]


def doubled(lines: Lines) -> Lines:
    return [*lines[:6], lines[5], *lines[6:]]


def cut_off(lines: Lines) -> Lines:
    return lines[:8]


def cut_in_the_middle(lines: Lines) -> Lines:
    return [*lines[:7], lines[7][:50]]


def without_the_last_event(lines: Lines) -> Lines:
    return [*lines[:-2], lines[-1]]


def longer(lines: Lines) -> Lines:
    return [*lines, b"{}\n"]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (without, "line 6: general/5 is missing before general/6"),
        (swapped, "line 7: general/5 is in the wrong place"),
        (doubled, "line 7: general/5 is in the wrong place, or here twice"),
        (inserted, "line 7: general/6 was changed: what the line tells is not what it says is stored"),
        (inserted, "line 8: general/6 is in the wrong place, or here twice"),
        (cut_off, "line 8: the file ends here, after general/7: its manifest"),
        (cut_in_the_middle, "line 8: this is no event, or was changed"),
        (without_the_last_event, "by the manifest last seq is"),
        (longer, "something stands after the manifest"),
    ],
)
async def test_what_was_removed_added_or_moved_is_named(
    exported: Lines, damage: Callable[[Lines], Lines], says: str
) -> None:
    assert [found for found in findings(damage(exported)) if says in found]


async def test_of_many_findings_the_first_are_named(exported: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.checking.MAX_NAMED", 3)
    checked = check([exported[0], *exported[3:]])
    assert (len(checked.findings), checked.unnamed > 0) == (3, True)


async def test_who_writes_another_text_and_mends_the_check_is_found(exported: Lines) -> None:
    number = next(i for i, line in enumerate(exported) if SECRET.encode() in line)
    changed = exported[number].replace(SECRET.encode(), b"the combination is 1234")
    mended = with_check(changed[: changed.rindex(b',"check":"')] + b"}") + b"\n"
    found = findings([*exported[:number], mended, *exported[number + 1 :]])
    assert [each for each in found if "SHA-256" in each]


async def test_who_changes_what_is_stored_and_mends_all_but_the_signatures_is_found(exported: Lines) -> None:
    forged = forge(exported, SigningKey(os.urandom(32)))
    found = findings(forged)
    assert [each for each in found if "the manifest was not signed by a key" in each]
    assert [each for each in found if "do not come to the root" in each]


async def test_a_server_that_signs_another_past_than_its_tree_is_found(exported: Lines) -> None:
    found = findings(forge(exported, settings.SIGNING_KEY))
    assert [each for each in found if "do not come to the root" in each]
    assert not [each for each in found if "not signed" in each]


async def test_a_tree_head_that_was_forged_is_found(exported: Lines) -> None:
    last = json.loads(exported[-1])
    last["manifest"]["tree_head"]["root_hash"] = "00" * 32
    found = findings([*exported[:-1], json.dumps(last, separators=(",", ":")).encode() + b"\n"])
    assert [each for each in found if "tree head was not signed by a key" in each]


async def test_another_key_signed_nothing_here(exported: Lines) -> None:
    assert len(findings(exported, os.urandom(32))) >= 2


async def test_what_was_changed_on_the_server_has_no_place_in_the_tree(server: Server) -> None:
    await rewrite(server.deployment, GENERAL, 5)
    for room in (GENERAL, None):
        found = findings((await server.export(room)).splitlines(keepends=True))
        assert [each.partition(": ")[2] for each in found] == [
            "general/5 has no place in the tree: it was changed on the server after it was hashed"
        ]
    assert findings((await server.export(GARDEN)).splitlines(keepends=True)) == []


@pytest.mark.parametrize(
    ("first", "says"),
    [
        (b"{}\n", "no export of Verbatim"),
        (b"\x00\xff\n", "no export of Verbatim"),
        (b'{"format":"verbatim.export","version":2,"view":"auditor","room":null,"as_of":null,"exported_at":""}\n',
         "version 2"),
    ],
)  # fmt: skip
def test_what_is_no_export_is_refused(first: bytes, says: str) -> None:
    assert says in findings([first])[0]


def test_an_empty_file_is_no_export() -> None:
    assert findings([])


def told(count: int, *, seldom: int) -> Iterator[Decided]:
    """Many messages in #general, and one in so many in #garden."""
    for number in range(-2, count):
        room = (GENERAL, GARDEN)[number] if number < 0 else GARDEN if number % seldom == 0 else GENERAL
        stamp = Cause("guest:ada", NOON, "r").stamp()
        event = (
            RoomOpened(**stamp, title="A room", visibility="public")
            if number < 0
            else MessagePosted(**stamp, message_id=f"{number:032x}", message="hello", handle="ada")
        )
        yield Decided(room, event)
