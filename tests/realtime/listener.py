"""A client without a network, which knows what it was promised."""

import json

from commands.identity import Identity
from realtime.conversation import Conversation
from realtime.outlet import Outlet
from realtime.session import Visitor
from tests.realtime.mailbox import Mailbox
from tests.realtime.world import World


class Listener:
    """A client: subscribes, acknowledges what it reads, and remembers what it must have seen by now."""

    def __init__(self, world: World, name: str, room: str) -> None:
        self.room = room
        self.mailbox = Mailbox()
        identity = Identity(person=f"guest:{name}", handle=name)
        outlet = Outlet(self.mailbox, world.hubs.turn)
        self.session = Conversation(Visitor(identity, None, "", ""), outlet, world.handlers, world.hubs)
        self.acks = True

    async def subscribe(self, after: int | None) -> None:
        await self.session.receive(json.dumps({"type": "subscribe", "room": self.room, "after": after}))

    def last_seen(self) -> int:
        """The seq up to which everything was received: where to resume."""
        began = self.mailbox.subscription()
        return max([began[0]["after"], *self.mailbox.seqs()]) if began else 0

    async def acknowledge(self) -> None:
        if self.acks and (seqs := self.mailbox.seqs()):
            self.session.ack(self.room, seqs[-1])

    def check(self) -> None:
        """What has arrived is what was promised, so far."""
        if self.mailbox.closed:
            last = self.mailbox.frames[-1]
            assert (last["type"], last["code"], self.mailbox.closed) == ("disconnect", 4008, 4008)
        if not (began := self.mailbox.subscription()):
            return
        after, head, seqs = began[0]["after"], began[0]["head"], self.mailbox.seqs()
        assert seqs == list(range(after + 1, after + 1 + len(seqs)))
        caught_up = [(n, frame["seq"]) for n, frame in enumerate(began) if frame["type"] == "caught_up"]
        if caught_up:
            assert caught_up == [(head - after + 1, head)]
        else:
            assert not seqs or seqs[-1] <= head
