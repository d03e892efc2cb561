"""A socket that speaks the dialect of the guide's own `chat.js`, and never sends anything else."""

import logging

import msgspec

from commands.errors import BadRequest, Refusal
from commands.handlers import Receipt
from commands.message import PostMessage
from realtime.close_codes import CloseCode
from realtime.encoding import CLASSIC
from realtime.refusals import as_refusal, close_code
from realtime.session import Session

log = logging.getLogger(__name__)


class Said(msgspec.Struct, frozen=True):
    """What the guide's client sends."""

    handle: str
    message: str


_decoder = msgspec.json.Decoder(Said)


class Classic(Session):
    """Everyone in the room receives what one of them says. What is wrong is dropped and logged."""

    dialect = CLASSIC
    _room = ""

    async def open(self, room: str) -> None:
        """Listen to the room of the socket's address; without one there is nothing to talk about."""
        try:
            await self.subscribe(room, None, lambda _head, _after: None)
        except Exception as error:  # noqa: BLE001 - whatever it is, this dialect can only close
            refusal = as_refusal(error)
            log.info("a classic socket cannot enter %r: %s", room, refusal.detail)
            self.end(close_code(refusal))
        self._room = room

    async def receive(self, text: str | None) -> None:
        """Post what somebody says."""
        try:
            said = _decoder.decode(text or b"")
            command = PostMessage(room=self._room, message=said.message, handle=said.handle)
            await self.submit(command, self._drop_refused)
        except msgspec.MsgspecError as error:
            self._drop_refused(BadRequest(str(error)))
        except Exception as error:  # noqa: BLE001 - the dialect has no way to say what went wrong
            self._drop_refused(as_refusal(error))

    def goodbye(self, code: CloseCode, retry_after_ms: int) -> bytes:
        """The dialect has no last frame."""
        return b""

    def _drop_refused(self, receipt: Receipt | Refusal) -> None:
        if isinstance(receipt, Refusal):
            self.count_refusal(receipt)
            log.info("dropped what a classic socket said: %s: %s", receipt.code, receipt.detail)
