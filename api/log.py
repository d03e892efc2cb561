"""The whole log as a tree: its signed heads, and proofs that nobody has to believe."""

from collections.abc import Iterable

import msgspec
from django.http import HttpResponse
from ninja import Query, Router
from pydantic import Field

from api.answers import Answer, example, send_json
from api.credentials import check_may_read, reader
from api.documentation import IN_ROOM, documented
from api.places import check_room
from api.query import ConsistencyQuery, HeadQuery, InclusionQuery
from api.requests import Request
from commands import treehead
from commands.errors import BadRequest, InvalidField, NotFound, NotProved, NotSigned, ProjectionBehind
from commands.identity import Reader
from commands.subscription import Recorded
from commands.treehead import SignedHead

HASH = "9f2c41d06b0a1e58c7734fd2a5e86b9013c8f7de24ab5690e1b3c2d4f5a69788"
HEAD = {
    "tree_size": 431,
    "position": 431,
    "root_hash": HASH,
    "signed_at": "2026-11-22T09:43:43.120Z",
    "signature": "MEQCIDh0…",
    "public_key": "3q2+7wAA…",
}

router = Router(tags=["proof"])


class TreeHead(Answer):
    """How many events the log had, and the root of the tree over them, signed.

    What is signed (Ed25519) is five lines of ASCII, each ended by a line feed: `verbatim tree head 1`, then
    `tree_size`, `position`, `root_hash` and `signed_at` as they stand here.
    """

    model_config = example(**HEAD)

    tree_size: int
    position: int = Field(description="That of the last event")
    root_hash: str = Field(description="SHA-256 as in RFC 9162, hexadecimal")
    signed_at: str
    signature: str = Field(description="64 bytes in base64")
    public_key: str = Field(description="32 bytes in base64; compare it with one that you know")


class Inclusion(Answer):
    """That an event is in the tree (RFC 9162, 2.1.3).

    The leaf is hashed from the lines `position`, `stream`, `seq`, `topic` and `subject`, and the event's stored state.
    """

    model_config = example(
        room="garden",
        seq=7,
        position=431,
        leaf_index=430,
        leaf_hash=HASH,
        tree_size=431,
        root_hash=HASH,
        proof=[HASH],
        head=HEAD,
    )

    room: str
    seq: int
    position: int
    leaf_index: int = Field(description="Its place in the tree, from 0")
    leaf_hash: str
    tree_size: int
    root_hash: str
    proof: list[str]
    head: TreeHead | None = Field(description="null if no head of this size was signed")


class Consistency(Answer):
    """That the first tree became the second, and nothing of it changed (RFC 9162, 2.1.4)."""

    model_config = example(
        first=400,
        second=431,
        first_root_hash=HASH,
        second_root_hash=HASH,
        proof=[HASH],
        first_head=None,
        second_head=HEAD,
    )

    first: int
    second: int
    first_root_hash: str
    second_root_hash: str
    proof: list[str]
    first_head: TreeHead | None = Field(description="null if no head of this size was signed")
    second_head: TreeHead | None


@router.get("/head", operation_id="read_tree_head", **documented({200: TreeHead}, IN_ROOM, InvalidField))
async def read_head(request: Request, wanted: Query[HeadQuery]) -> HttpResponse:
    """The newest signed tree head, or the one of a size.

    Keep some of them somewhere else: whoever has one can prove that nothing was changed since.
    """
    who = await reader(request)
    check_may_read(who)
    head = await request.queries.proofs.head(wanted.tree_size)
    if head is None:
        raise NotFound("No such tree head was signed.")
    return _send(treehead.members(head), who)


@router.get(
    "/inclusion",
    operation_id="prove_inclusion",
    **documented({200: Inclusion}, IN_ROOM, InvalidField, NotProved, NotSigned, ProjectionBehind),
)
async def prove_inclusion(request: Request, wanted: Query[InclusionQuery]) -> HttpResponse:
    """That an event, named by room and seq or by position, is in the tree of the newest signed head, or of a size.

    It tells hashes only: of an event in a room that you may see.
    """
    who = await reader(request)
    check_may_read(who)
    event = await _event(request, wanted, who)
    found = await request.queries.proofs.inclusion(event, wanted.tree_size)
    members = {
        "room": event.stream,
        "seq": event.seq,
        "position": event.position,
        "leaf_index": found.leaf_index,
        "leaf_hash": found.leaf.hex(),
        "tree_size": found.tree_size,
        "root_hash": found.root.hex(),
        "proof": _hex(found.path),
        "head": _head(found.head),
    }
    return _send(members, who)


@router.get(
    "/consistency",
    operation_id="prove_consistency",
    **documented({200: Consistency}, InvalidField, NotProved, NotSigned),
)
async def prove_consistency(request: Request, wanted: Query[ConsistencyQuery]) -> HttpResponse:
    """That the tree of `first` events became the one of `second`, or of the newest signed head."""
    who = await reader(request)
    check_may_read(who)
    found = await request.queries.proofs.growth(wanted.first, wanted.second)
    members = {
        "first": found.first,
        "second": found.second,
        "first_root_hash": found.first_root.hex(),
        "second_root_hash": found.second_root.hex(),
        "proof": _hex(found.path),
        "first_head": _head(found.first_head),
        "second_head": _head(found.second_head),
    }
    return _send(members, who)


async def _event(request: Request, wanted: InclusionQuery, who: Reader) -> Recorded:
    """The event that is meant. Raises: BadRequest, NotFound also where its room may not be seen."""
    if (wanted.position is None) == (wanted.room is None) or (wanted.room is None) != (wanted.seq is None):
        raise BadRequest("Send room and seq, or position.")
    if wanted.position is not None:
        event = await request.log.recorded_at(wanted.position)
        if event is None:
            raise NotFound
        await _check_seen(request, event.stream, who)
        return event
    assert wanted.room is not None and wanted.seq is not None
    check_room(wanted.room)
    await _check_seen(request, wanted.room, who)
    event = await request.log.recorded_in(wanted.room, wanted.seq)
    if event is None:
        raise NotFound
    return event


async def _check_seen(request: Request, stream: str, who: Reader) -> None:
    """Raises: NotFound. An auditor sees every stream, also one that is no room's."""
    if not who.auditor:
        await request.handlers.rules(stream, who)


def _head(head: SignedHead | None) -> dict[str, object] | None:
    return treehead.members(head) if head else None


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [each.hex() for each in hashes]


def _send(members: dict[str, object], who: Reader) -> HttpResponse:
    return send_json(msgspec.json.encode(members), private=who != Reader())
