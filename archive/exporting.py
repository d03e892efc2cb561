"""What leaves: a room, or everything, as it is or was, in one of three formats, for readers or for auditors."""

from collections.abc import AsyncGenerator
from typing import Literal

from archive import ndjson, page, table
from archive.messages import Messages
from archive.part import Part
from archive.proving import Prover
from commands.clock import Milliseconds, now_ms
from commands.errors import AfterBeyondHead, NotFound, Unavailable
from commands.subscription import Log, StoreUnavailable
from commands.treehead import SigningKey
from projections.queries import Queries

Form = Literal["ndjson", "csv", "html"]
TYPES: dict[Form, str] = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "html": "text/html; charset=utf-8",
}

AT_ONCE = 250


class Exports:
    """Makes exports from the log and the history. `key` signs them.

    `at_once` is how many events are read and written at a time: so long others wait for the event loop.
    """

    def __init__(self, log: Log, queries: Queries, key: SigningKey, *, at_once: int = AT_ONCE) -> None:
        self._log = log
        self._at_once = at_once
        self._queries = queries
        self._prover = Prover(queries, key)

    async def of_room(
        self,
        room: str,
        *,
        as_of: int | None = None,
        as_of_time: Milliseconds | None = None,
        auditor: bool = False,
    ) -> Part:
        """A room as of a seq or a time, or as it is. Whether one may see it is asked before.

        Raises: NotFound, AfterBeyondHead, Unavailable.
        """
        try:
            head = await self._log.head(room)
            if as_of_time is not None:
                as_of = await self._log.seq_at(room, as_of_time)
            upto = head if as_of is None else max(0, as_of)
            last = await self._log.recorded_in(room, upto)
        except StoreUnavailable:
            raise Unavailable from None
        if not head:
            raise NotFound
        if upto > head:
            raise AfterBeyondHead
        return Part(room, upto, last.position if last else 0, auditor, now_ms(), as_of)

    async def of_everything(self, *, as_of_time: Milliseconds | None = None) -> Part:
        """Every stream by position, for auditors, as of a time or as it is. Raises: Unavailable."""
        try:
            position = await self._log.last_position()
        except StoreUnavailable:
            raise Unavailable from None
        return Part(None, 0, position, auditor=True, exported_at=now_ms(), as_of_time=as_of_time)

    def write(self, part: Part, form: Form) -> AsyncGenerator[bytes]:
        """The file, in pieces that are made as they are asked for. Everything there is only as NDJSON.

        Raises: ProjectionBehind, RoomParked, NotProved, Unavailable.
        """
        if form == "ndjson":
            return ndjson.export(self._log, part, self._prover, at_once=self._at_once)
        messages = Messages(self._log, self._queries, part)
        return table.export(messages) if form == "csv" else page.export(messages, self._prover)

    def write_content(self, part: Part) -> AsyncGenerator[bytes]:
        """What of an auditor's NDJSON is the same on every server with these events, and nothing else.

        Raises: Unavailable.
        """
        return ndjson.content(ndjson.facts(self._log, part, self._at_once))
