"""A room's messages as of a seq: as the history has them, and for auditors with what only the log knows."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple

import msgspec

from archive.part import Part
from commands.errors import Unavailable
from commands.events import MessageEdited, MessagePosted, MessageRedacted
from commands.subscription import Fact, Log, StoreUnavailable
from projections import items
from projections.items import Item
from projections.page import Moment
from projections.queries import Queries

PAGE = 250


class Origin(NamedTuple):
    """Where a message came from, and who took it back, for what reason: for auditors."""

    request_id: str = ""
    address: str = ""
    client: str = ""
    redacted_by: str = ""
    reason: str = ""


class Message(NamedTuple):
    """A message; for auditors with its origin, and with what it said also if it was taken back."""

    item: Item
    origin: Origin = Origin()


class Messages:
    """The messages of a room as they were after the last event of a part."""

    def __init__(self, log: Log, queries: Queries, part: Part) -> None:
        assert part.room is not None
        self._log = log
        self._queries = queries
        self.part = part
        self.room = part.room

    async def pages(self) -> AsyncGenerator[tuple[Moment, list[Message]]]:
        """What the room was called, and its messages by seq; at least one page, which may be empty.

        Raises: ProjectionBehind, RoomParked, Unavailable.
        """
        seq, more = 0, True
        while more:
            page = await self._queries.page(self.room, after=seq, limit=PAGE, as_of=self.part.upto)
            messages = [Message(items.decode(item)) for item in page.items]
            if self.part.auditor and messages:
                messages = await self._with_origins(messages)
            yield page.moment or Moment(self.part.upto, self.room, ""), messages
            seq = messages[-1].item.seq if messages else seq
            more = not page.found_newest and bool(messages)

    async def _with_origins(self, messages: Sequence[Message]) -> list[Message]:
        subjects = [f"message:{message.item.message_id}" for message in messages]
        try:
            about = await self._log.about(self.room, subjects)
        except StoreUnavailable:
            raise Unavailable from None
        return [
            _with_origin(message.item, [fact for fact in about[subject] if fact.recorded.seq <= self.part.upto])
            for message, subject in zip(messages, subjects, strict=True)
        ]


def _with_origin(item: Item, facts: Sequence[Fact]) -> Message:
    said, origin = item.message, Origin()
    redacted = False
    for fact in facts:
        match fact.event:
            case MessagePosted() as posted:
                origin = Origin(posted.request_id, posted.address, posted.client)
                said = None if fact.stub else posted.message
            case MessageEdited() as edited:
                said = None if fact.stub else edited.message
            case MessageRedacted() as taken:
                redacted = True
                origin = origin._replace(redacted_by=taken.actor, reason=taken.reason)
    return Message(msgspec.structs.replace(item, message=said, redacted=redacted or said is None), origin)
