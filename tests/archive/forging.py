"""Exports that somebody has forged, and made to fit: checks, hash and manifest are as they would have to be."""

import base64
import json
from collections.abc import Callable

from archive import manifest, signatures
from archive.lines import content_of, decode, with_check
from archive.manifest import Account
from archive.ndjson import Facts
from archive.part import Part
from commands.subscription import Log
from commands.treehead import SigningKey

type Lines = list[bytes]


def forge(lines: Lines, key: SigningKey) -> Lines:
    """The file with another state of one event, signed by a key."""
    line = json.loads(lines[5])
    state = json.loads(base64.b64decode(line["state"]))
    state["sealed"] = state["sealed"][:-4] + "AAA="
    line["state"] = base64.b64encode(json.dumps(state, separators=(",", ":")).encode()).decode()
    del line["check"]
    said = json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode()
    return counted_anew([*lines[:5], with_check(said) + b"\n", *lines[6:]], key)


def counted_anew(lines: Lines, key: SigningKey) -> Lines:
    """The file with the manifest that goes with its lines, signed by a key."""
    account = Account()
    account.add(lines[0])
    for each in lines[1:-1]:
        account.add(each)
        event = decode(each)
        account.enter(event.stream, event.seq, event.position)
        account.add_content(content_of(each[:-1]) + b"\n")
    old = manifest.decode(manifest.decode_signed(lines[-1]).manifest)
    new = account.manifest(
        room=old.room, view=old.view, as_of=old.as_of, exported_at=old.exported_at, gap=old.gap, tree_head=old.tree_head
    )
    return [*lines[:-1], signatures.sign(manifest.encode(new), key) + b"\n"]


def without_stream(facts: Callable[[Log, Part, int], Facts], stream: str) -> Callable[[Log, Part, int], Facts]:
    """The events of a part but for those of a stream."""

    async def others(log: Log, part: Part, at_once: int) -> Facts:
        async for those in facts(log, part, at_once):
            yield [fact for fact in those if fact.recorded.stream != stream]

    return others
