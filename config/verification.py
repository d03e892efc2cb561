"""Verifying the store for somebody at a terminal: how far it is, and what came out."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import OutputWrapper

from commands import treehead
from commands.clock import rfc3339
from commands.treehead import SignedHead
from config import parts
from config.printable import printable
from config.progress import Bar
from projections.reading import reading
from projections.rebuilding import Progress
from projections.reporting import Report
from projections.verifying import Verifying

MOST = 100
"""Findings that are told; whoever wants all asks for JSON."""


async def verify(
    trusted: Collection[bytes], published: Sequence[SignedHead], out: OutputWrapper
) -> tuple[Report, float]:
    """Verify this deployment's store; answers what came out, and how many seconds it took. `out` sees how it goes.

    Raises: NotDurable, StoreUnavailable, Unavailable.
    """
    deployment, read = parts.build(), reading()
    await deployment.open()
    await read.open()
    bar = Bar(out, "verifying")
    try:
        verifying = Verifying(deployment.log, read, trusted, published=published, tell=_shown(bar))
        began = time.monotonic()
        report = await verifying.run()
        return report, time.monotonic() - began
    finally:
        bar.end()
        await read.close()
        await deployment.close()


def published_heads(path: Path) -> list[SignedHead]:
    """The heads in a file, a line each as `GET log/head` answers them. Raises: OSError, ValueError."""
    lines = [line for line in path.read_text().splitlines() if line.strip()]
    return [_published(number, line) for number, line in enumerate(lines, 1)]


def summary(report: Report, took_s: float) -> Iterator[str]:
    """What was looked at, and what it shows, where nothing is wrong."""
    rate = report.events / max(took_s, 1e-6)
    yield f"Events: {report.events:,}. Rooms: {report.rooms:,}. Read in {took_s:.1f} s, {rate:,.0f} events/s."
    yield "Seqs: complete in every room, and in the order of the log."
    if report.last_head is None:
        yield "Tree heads: none was signed yet, so nothing vouches for these events."
        return
    head = report.last_head.head
    yield f"Tree heads: {report.heads:,}, signed by a key you trust; every one of them holds."
    yield f"Signed: {report.signed:,} of these events, the last time at {rfc3339(head.signed_at)}."
    yield f"Root: {head.root_hash.hex()}"
    if report.unsigned:
        yield f"Not signed yet: {report.unsigned:,}, which came after that."


def told(report: Report) -> Iterator[str]:
    """What is wrong, a line each."""
    for finding in report.findings[:MOST]:
        yield printable(f"{finding.kind}: {finding.says}")
    if left := len(report.findings[MOST:]) + report.unnamed:
        yield f"and {left:,} more"


def members(report: Report, took_s: float) -> dict[str, Any]:
    """What came out, as JSON has it."""
    return {
        "holds": report.holds,
        "events": report.events,
        "rooms": report.rooms,
        "position": report.position,
        "heads": report.heads,
        "signed": report.signed,
        "unsigned": report.unsigned,
        "last_head": treehead.members(report.last_head) if report.last_head else None,
        "findings": [finding.members() for finding in report.findings],
        "unnamed": report.unnamed,
        "took_s": round(took_s, 3),
    }


def _published(number: int, line: str) -> SignedHead:
    try:
        return treehead.from_members(json.loads(line))
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None


def _shown(bar: Bar) -> Callable[[int, int, int], None]:
    """What `Verifying` is to tell how far it is."""
    began = time.monotonic()

    def tell(events: int, position: int, target: int) -> None:
        took_s = max(time.monotonic() - began, 1e-6)
        left_s = (target - position) * took_s / max(1, position)
        bar.show(Progress(position, target, events / took_s, left_s))

    return tell
