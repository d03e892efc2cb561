"""A socket that speaks `verbatim.v1`."""

import random
from collections.abc import Set as AbstractSet
from functools import partial
from typing import assert_never

from msgspec import UNSET, UnsetType

from commands import reaction
from commands.amending import EditMessage, RedactMessage
from commands.errors import BadRequest, Forbidden, Refusal
from commands.handlers import Command, Handlers, Receipt
from commands.message import PostMessage
from realtime.client_frames import (
    Ack,
    Edit,
    Pause,
    Ping,
    Post,
    React,
    Read,
    Redact,
    Replay,
    Resume,
    Seek,
    Stop,
    Subscribe,
    Typing,
    Unreact,
    Unsubscribe,
)
from realtime.close_codes import CloseCode
from realtime.decoding import BadFrame, Frame, Malformed, decode
from realtime.encoding import VERBATIM, encode
from realtime.hubs import Hubs
from realtime.outlet import Outlet
from realtime.protocol import MAX_MALFORMED
from realtime.refusals import as_refusal, close_code
from realtime.replays import Replays
from realtime.server_frames import (
    Disconnect,
    Done,
    Erased,
    Error,
    Limits,
    Pong,
    Posted,
    ServerFrame,
    Subscribed,
    Unsubscribed,
    Welcome,
)
from realtime.session import Session, Visitor

LIMITS = Limits()
SPREAD_MS = 5000
"""Clients that are all sent away together are told to come back over this long."""

type FrameId = str | int | None
type Asking = Post | Edit | Redact | React | Unreact
"""A frame that asks for a command."""


class Conversation(Session):
    """Answers every frame, and says why when it cannot do what is asked."""

    dialect = VERBATIM
    hears_company = True
    _malformed = 0

    def __init__(self, visitor: Visitor, outlet: Outlet, handlers: Handlers, hubs: Hubs) -> None:
        super().__init__(visitor, outlet, handlers, hubs)
        self._replays = Replays(hubs, outlet, self._say)

    def welcome(self) -> None:
        """Say who they are taken for."""
        identity, token, _, _ = self.visitor
        erasures = self._hubs.log.erasures.latest
        self._say(
            Welcome(
                person=identity.person, handle=identity.handle, token=token or UNSET, erasures=erasures, limits=LIMITS
            )
        )

    async def open(self, room: str) -> None:
        """Subscribe to the room of the socket's address from its head on; one that cannot be had ends the session."""
        try:
            await self.subscribe(room, None, partial(self._began, room, None))
        except Exception as error:  # noqa: BLE001 - the one answer to whatever goes wrong is to say so and close
            refusal = as_refusal(error)
            self._refuse(refusal, None)
            self.end(close_code(refusal))

    async def receive(self, text: str | None) -> None:
        """Carry out one frame."""
        try:
            frame = _read(text)
        except Malformed as malformed:
            self._count_malformed(malformed.refusal)
            return
        except BadFrame as bad:
            self._malformed = 0
            self._refuse(bad.refusal, bad.id)
            return
        self._malformed = 0
        try:
            await self._carry_out(frame)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one frame, the socket stays
            self._refuse(as_refusal(error), frame.id)

    def tell_erased(self, rooms: AbstractSet[str], *, person: str = "", before: str = "") -> None:
        """In each of these rooms that the socket listens to, or plays."""
        for room in rooms & (self._subscriptions.keys() | self._replays.rooms):
            self._say(Erased(room=room, person=person or UNSET, before=before or UNSET))

    def leave(self) -> None:
        """Leave every room, and play nothing more."""
        super().leave()
        self._replays.stop_all()

    def goodbye(self, code: CloseCode, retry_after_ms: int) -> bytes:
        """Say why, and whether to come back."""
        wait_ms = retry_after_ms or (random.randint(100, SPREAD_MS) if code.reconnect else 0)  # noqa: S311 - spreads
        return encode(Disconnect(code=code, reason=code.reason, reconnect=code.reconnect, retry_after_ms=wait_ms))

    async def _carry_out(self, frame: Frame) -> None:
        match frame:
            case Post() | Edit() | Redact() | React() | Unreact():
                await self.submit(_command(frame), partial(self._answer, frame))
            case Ack() | Typing() | Read():
                await self._note(frame)
            case Subscribe():
                await self.subscribe(frame.room, frame.after, partial(self._began, frame.room, frame.id))
            case Unsubscribe():
                self.unsubscribe(frame.room)
                self._say(Unsubscribed(id=_repeat(frame.id), room=frame.room))
            case Replay():
                await self._replay(frame)
            case Pause() | Resume() | Seek() | Stop():
                self._say(await self._replays.control(frame))
            case Ping():
                self._say(Pong(id=_repeat(frame.id)))
            case _:
                assert_never(frame)

    async def _note(self, frame: Ack | Typing | Read) -> None:
        """Take note of what has no answer."""
        if isinstance(frame, Ack):
            self.ack(frame.room, frame.seq)
            return
        if frame.room not in self._subscriptions:
            raise Forbidden("Subscribe to the room first.")
        if isinstance(frame, Typing):
            await self._handlers.check_may_post(frame.room, self._caller())
            if frame.room in self._subscriptions:
                self._hubs.company.note_typing(frame.room, self.somebody, self._name)

    async def _replay(self, frame: Replay) -> None:
        await self._handlers.admit(frame.room, self._caller())
        hub, head = await self._come_into(frame.room)
        self._say(await self._replays.begin(frame, hub, head))
        if self.ended:
            self._replays.stop_all()

    def _is_in(self, room: str) -> bool:
        return super()._is_in(room) or self._replays.plays(room)

    def _began(self, room: str, frame_id: FrameId, head: int, after: int) -> None:
        self._say(Subscribed(id=_repeat(frame_id), room=room, head=head, after=after))

    def _answer(self, frame: Asking, receipt: Receipt | Refusal) -> None:
        if isinstance(receipt, Refusal):
            self._refuse(receipt, frame.id)
        else:
            self._say(_posted(frame.id, receipt) if isinstance(frame, Post) else _done(frame.id, receipt))

    def _count_malformed(self, refusal: Refusal) -> None:
        self._malformed += 1
        if self._malformed >= MAX_MALFORMED:
            self.end(CloseCode.BAD_REQUEST)
        else:
            self._refuse(refusal, None)

    def _refuse(self, refusal: Refusal, frame_id: FrameId) -> None:
        self.count_refusal(refusal)
        self._say(
            Error(
                id=_repeat(frame_id),
                code=refusal.code,
                message=refusal.detail,
                retryable=refusal.retryable,
                retry_after_ms=UNSET if refusal.retry_after_ms is None else refusal.retry_after_ms,
            )
        )

    def _say(self, frame: ServerFrame) -> None:
        self.outlet.put(encode(frame))


def _read(text: str | None) -> Frame:
    """Raises: Malformed, BadFrame."""
    if text is None:
        raise Malformed(BadRequest("Send text frames, not binary ones."))
    return decode(text)


def _command(frame: Asking) -> Command:
    """The command that a frame asks for."""
    match frame:
        case Post(room=room, message=text, handle=handle, client_msg_id=name, reply_to=reply_to):
            return PostMessage(room=room, message=text, handle=handle, client_msg_id=name, reply_to=reply_to)
        case Edit(room=room, message_id=message_id, message=text):
            return EditMessage(room=room, message_id=message_id, message=text)
        case Redact(room=room, message_id=message_id, reason=reason):
            return RedactMessage(room=room, message_id=message_id, reason=reason or "")
        case React(room=room, message_id=message_id, emoji=emoji):
            return reaction.React(room=room, message_id=message_id, emoji=emoji)
        case Unreact(room=room, message_id=message_id, emoji=emoji):
            return reaction.Unreact(room=room, message_id=message_id, emoji=emoji)


def _posted(frame_id: FrameId, receipt: Receipt) -> Posted:
    return Posted(
        id=_repeat(frame_id),
        room=receipt.room,
        seq=receipt.seq,
        position=receipt.position,
        message_id=receipt.message_id or "",
        duplicate=receipt.duplicate,
    )


def _done(frame_id: FrameId, receipt: Receipt) -> Done:
    return Done(
        id=_repeat(frame_id),
        room=receipt.room,
        seq=receipt.seq,
        position=receipt.position,
        changed=UNSET if receipt.changed else False,
    )


def _repeat(frame_id: FrameId) -> str | int | UnsetType:
    return UNSET if frame_id is None else frame_id
