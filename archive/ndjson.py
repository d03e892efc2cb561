"""NDJSON: every event, and what proves it. Complete for auditors, who can read it back into another server."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from archive import lines, manifest
from archive.manifest import Account
from archive.part import Part
from archive.proving import Proof, Prover
from commands.clock import Milliseconds, rfc3339
from commands.errors import Unavailable
from commands.subscription import Fact, Log, StoreUnavailable

type Facts = AsyncIterator[Sequence[Fact]]


def facts(log: Log, part: Part, at_once: int) -> Facts:
    """The events of a part, so many at a time: of a room by seq, of everything by position. Raises: Unavailable."""
    return _of_everything(log, part, at_once) if part.room is None else _of_room(log, part.room, part, at_once)


async def export(log: Log, part: Part, prover: Prover, *, at_once: int) -> AsyncGenerator[bytes]:
    """The file: the header, a line for each event, the manifest. Raises: NotProved, Unavailable.

    In everything that there is no event that is in the tree may be missing: it goes as far as its tree head does.
    """
    account = Account()
    proof = await prover.begin(part.position) if part.auditor else None
    if proof and part.is_complete:
        part = part._replace(position=max(part.position, proof.position))
    begun = lines.header(part) + b"\n"
    account.add(begun)
    yield begun
    async for those in facts(log, part, at_once):
        yield await _page(those, account, proof)
    said = account.manifest(
        room=part.room,
        view=part.view,
        as_of=part.moment,
        exported_at=rfc3339(part.exported_at),
        **(await proof.end() if proof else {}),
    )
    yield prover.sign(manifest.encode(said)) + b"\n"


async def content(facts: Facts) -> AsyncGenerator[bytes]:
    """A line for each event, of what is the same on every server that has it. Raises: Unavailable."""
    async for those in facts:
        yield b"".join([lines.for_auditor(fact).content + b"\n" for fact in those])


async def _page(facts: Sequence[Fact], account: Account, proof: Proof | None) -> bytes:
    """The lines of a page, each with its end of line."""
    if proof:
        places = await proof.places([fact.recorded for fact in facts])
        written = [lines.for_auditor(fact, place) for fact, place in zip(facts, places, strict=True)]
    else:
        written = [lines.for_reader(fact) for fact in facts]
    for fact in facts:
        account.enter(fact.recorded.stream, fact.recorded.seq, fact.recorded.position)
    account.add_content(b"".join([each.content + b"\n" for each in written]))
    page = b"".join([each.line + b"\n" for each in written])
    account.add(page)
    return page


async def _of_room(log: Log, room: str, part: Part, at_once: int) -> Facts:
    seq = 0
    while seq < part.upto:
        try:
            facts = await log.read_room(room, after=seq, upto=part.upto, limit=at_once, auditor=part.auditor)
        except StoreUnavailable:
            raise Unavailable from None
        if not facts:
            break
        yield facts
        seq = facts[-1].recorded.seq


async def _of_everything(log: Log, part: Part, at_once: int) -> Facts:
    times: dict[str, Milliseconds] = {}
    position = 0
    while position < part.position:
        try:
            facts = await log.read_all(after=position, limit=at_once)
        except StoreUnavailable:
            raise Unavailable from None
        if not facts:
            break
        position = facts[-1].recorded.position
        there = [fact for fact in facts if fact.recorded.position <= part.position]
        if part.as_of_time is not None:
            there = [fact for fact in there if _time(fact, times) <= part.as_of_time]
        if there:
            yield there


def _time(fact: Fact, times: dict[str, Milliseconds]) -> Milliseconds:
    """The time of an event's stream after it, which never runs backwards."""
    stream = fact.recorded.stream
    times[stream] = max(times.get(stream, 0), fact.event.occurred_at if fact.event else 0)
    return times[stream]
