"""A socket's conversation, in either dialect: the rooms that it listens to, and what it posts."""

import asyncio
import secrets
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import ClassVar, NamedTuple

from commands.errors import AfterBeyondHead, RateLimited, Refusal, Unavailable
from commands.handlers import Command, Handlers, Receipt
from commands.identity import Caller, Identity
from commands.serving import serve
from realtime.close_codes import CloseCode
from realtime.encoding import Dialect
from realtime.hub import Hub
from realtime.hubs import Hubs
from realtime.outlet import Outlet
from realtime.protocol import MAX_ROOMS
from realtime.refusals import as_refusal
from realtime.server_frames import Somebody
from realtime.subscription import Subscription

MAX_OPEN_POSTS = 64
"""Posts of one socket that are not durable yet; while there are so many, nothing more is read from it."""

type Answer = Callable[[Receipt | Refusal], None]


class Visitor(NamedTuple):
    """Who is at the other end, from where, with what; `token` if they are a fresh guest."""

    identity: Identity
    token: str | None
    address: str
    client: str


class Session:
    """What both dialects share. `receive` gets one frame at a time, in order, and must not raise."""

    dialect: ClassVar[Dialect]
    hears_company: ClassVar[bool] = False
    """Whether the dialect can say who is present and who types."""

    def __init__(self, visitor: Visitor, outlet: Outlet, handlers: Handlers, hubs: Hubs) -> None:
        self.visitor = visitor
        self.outlet = outlet
        self.ended = False
        self._handlers = handlers
        self._hubs = hubs
        self._subscriptions: dict[str, Subscription] = {}
        self._coming_into: set[str] = set()
        self._open_posts = asyncio.Semaphore(MAX_OPEN_POSTS)
        self._unanswered: set[asyncio.Future[Receipt]] = set()
        self._name = secrets.token_hex(8)
        self._requests = 0
        outlet.on_trouble = self.end
        outlet.on_behind = self.fall_behind

    def welcome(self) -> None:
        """Greet the client, if the dialect does."""

    async def open(self, room: str) -> None:
        """Begin as a listener to this room; what refuses it ends the session."""
        raise NotImplementedError

    async def receive(self, text: str | None) -> None:
        """Take a frame; one without text is binary."""
        raise NotImplementedError

    def end(self, code: CloseCode, retry_after_ms: int = 0) -> None:
        """Leave every room and close the socket."""
        if not self.ended:
            self.leave()
            self._hubs.tally.closed[code.name.lower()] += 1
            self.outlet.close(code, code.reason, self.goodbye(code, retry_after_ms))

    def fall_behind(self) -> None:
        """The client does not keep up: it catches up from the store, as fast as it reads, in every room."""
        self._hubs.tally.fell_behind += 1
        for subscription in self._subscriptions.values():
            subscription.fall_behind()

    def shut_down(self) -> None:
        """The server goes away."""
        self.end(CloseCode.SHUTTING_DOWN, self._hubs.return_ms())

    def ban(self, room: str, person: str) -> None:
        """Somebody was banned from a room: if that is who this is, and they are in it, the session ends."""
        if person == self.visitor.identity.person and self._is_in(room):
            self._hubs.company.expel(room, person)
            self.end(CloseCode.BANNED)

    def erase(self, person: str) -> None:
        """Somebody was erased: if that is who this is, the session ends."""
        if person == self.visitor.identity.person:
            self.end(CloseCode.NOT_SIGNED_IN)

    def tell_erased(self, rooms: AbstractSet[str], *, person: str = "", before: str = "") -> None:
        """Say what is to be forgotten in these rooms (see `Listener.tell_erased`), if the dialect can say it."""

    async def finish(self) -> None:
        """The server goes away: answer what was posted, then end."""
        if self._unanswered:
            await asyncio.wait(self._unanswered)
        self.shut_down()

    def goodbye(self, code: CloseCode, retry_after_ms: int) -> bytes:
        """The last frame, if the dialect has one."""
        raise NotImplementedError

    def leave(self) -> None:
        """Leave every room: the socket is gone, or about to be."""
        self.ended = True
        for room in list(self._subscriptions):
            self.unsubscribe(room, may_return=True)

    async def subscribe(self, room: str, after: int | None, began: Callable[[int, int], None]) -> None:
        """Listen to a room from `after` on, or from its head; `began` is told the head, and after what it begins.

        Raises: AfterBeyondHead, RateLimited for too many rooms, and what keeps somebody out of a room.
        """
        if room not in self._subscriptions and len(self._subscriptions) >= MAX_ROOMS:
            raise RateLimited(f"A socket listens to at most {MAX_ROOMS} rooms: unsubscribe from one.")
        hub, head = await self._enter(room)
        try:
            after = _within(after, head)
        except BaseException:
            self._hubs.leave(hub)
            raise
        self.unsubscribe(room, may_return=True)
        subscription = Subscription(self._hubs, hub, self.outlet, self.dialect, after=after, head=head)
        self._subscriptions[room] = subscription
        self._hubs.company.enter(room, self.somebody, self._ear(subscription))
        if self.ended:
            self.unsubscribe(room)
            return
        began(head, after)
        subscription.start()

    async def _enter(self, room: str) -> tuple[Hub, int]:
        """Come into a room; its hub, and its head. Raises: what keeps somebody out."""
        await self._handlers.find_or_open(room, self._caller())
        return await self._come_into(room)

    async def _come_into(self, room: str) -> tuple[Hub, int]:
        """The hub of a room that there is, and its head.

        Whether they are banned is asked when the hub is heard already: of a later ban it tells. Raises: Banned, …
        """
        hub = self._hubs.enter(room)
        self._coming_into.add(room)
        try:
            head = await self._hubs.find_head(hub)
            await self._handlers.admit(room, self._caller())
        except BaseException:
            self._hubs.leave(hub)
            raise
        finally:
            self._coming_into.discard(room)
        return hub, head

    def _is_in(self, room: str) -> bool:
        """Whether they hear of a room, or are about to."""
        return room in self._subscriptions or room in self._coming_into

    def unsubscribe(self, room: str, *, may_return: bool = False) -> None:
        """Listen no more to a room, if it was listened to; a socket that is cut off may return in a moment."""
        if subscription := self._subscriptions.pop(room, None):
            subscription.end()
            ear, person = self._ear(subscription), self.somebody.person
            self._hubs.company.leave(room, person, ear, may_return=may_return)

    @property
    def somebody(self) -> Somebody:
        """Who this is, as others are told."""
        identity = self.visitor.identity
        return Somebody(person=identity.person, handle=identity.handle)

    def _ear(self, subscription: Subscription) -> Subscription | None:
        return subscription if self.hears_company else None

    def count_refusal(self, refusal: Refusal) -> None:
        """Somebody was told no."""
        self._hubs.tally.refusals[refusal.code] += 1

    def ack(self, room: str, seq: int) -> None:
        """A page arrived."""
        if subscription := self._subscriptions.get(room):
            subscription.ack(seq)

    async def submit(self, command: Command, answer: Answer) -> None:
        """Post or change; `answer` comes when it is durable or refused. Raises: Refusal when it is refused at once.

        Commands of one socket are accepted in turn, and so keep their order.
        """
        await self._open_posts.acquire()
        try:
            receipt = await self._handlers.accept(command, self._caller())
        except BaseException:
            self._open_posts.release()
            raise
        self._unanswered.add(receipt)
        receipt.add_done_callback(partial(self._answer_post, answer))

    def _answer_post(self, answer: Answer, receipt: asyncio.Future[Receipt]) -> None:
        self._open_posts.release()
        self._unanswered.discard(receipt)
        if receipt.cancelled():
            answer(Unavailable())
        elif error := receipt.exception():
            answer(as_refusal(error))
        else:
            answer(receipt.result())

    def _caller(self) -> Caller:
        """Who sends the next command: a request of its own."""
        self._requests += 1
        identity, _, address, client = self.visitor
        request_id = f"{self._name}-{self._requests}"
        serve(request_id, identity.person)
        return Caller(
            person=identity.person,
            handle=identity.handle,
            request_id=request_id,
            address=address,
            client=client,
        )


def _within(after: int | None, head: int) -> int:
    """Where to begin. Raises: AfterBeyondHead."""
    if after is None:
        return head
    if after > head:
        raise AfterBeyondHead
    return after
