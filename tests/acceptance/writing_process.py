"""One of several processes that write to one store: `python -m tests.acceptance.writing_process URL SECONDS NAME`.

Prints a JSON line for every receipt, and last how many conflicts the store saw. One command in twenty conflicts with
what other processes do: it changes a room's rules, which all of them remember, or says what another one also says.
"""

import asyncio
import random
import sys
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from commands.errors import RoomExists
from commands.handlers import Command, Handlers, Receipt
from commands.identity import Caller
from commands.message import PostMessage
from commands.rules import ChangeRoom, OpenRoom
from commands.store import Conflict, Entry, Outcome, Store
from commands.writer import Writer
from tests.acceptance.deployment import opened
from tests.cast import ADA, mint

ROOMS = [f"room-{number}" for number in range(20)]
POSTERS = 32
CONFLICTING = 0.05


class Count:
    """Counts the conflicts of a store."""

    def __init__(self, store: Store) -> None:
        self.conflicts = 0
        self._append = store.append
        store.append = self.append  # type: ignore[method-assign] # the store itself stays as it is

    async def append(self, batch: Sequence[Entry], **how: Any) -> list[Outcome]:
        outcomes = await self._append(batch, **how)
        self.conflicts += sum(isinstance(outcome, Conflict) for outcome in outcomes)
        return outcomes


async def write(database_url: str, seconds: float, name: str) -> None:
    """Post until the time is over, then say what came of it."""
    async with opened(database_url) as (store, _, mapper, _):
        count = Count(store)
        writer = Writer(store, lambda recorded: None)
        writer.start()
        handlers = Handlers(store, mapper, writer, limits=False)
        until = time.monotonic() + seconds
        await asyncio.gather(*(talk(handlers, f"{name}-{number}", until) for number in range(POSTERS)))
        await writer.close()
    report({"conflicts": count.conflicts})


async def talk(handlers: Handlers, name: str, until: float) -> None:
    """One command after the other."""
    chance = random.Random(name)
    own = Caller(person=f"guest:{name}", handle=name, request_id="r")
    while time.monotonic() < until:
        room = chance.choice(ROOMS)
        if chance.random() >= CONFLICTING:
            receipt = await handlers.handle(PostMessage(room=room, message="hello", client_msg_id=mint()), own)
        else:
            command, caller = conflicting(room, chance)
            receipt = await handlers.handle(command, caller)
        report(receipt)


def conflicting(room: str, chance: random.Random) -> tuple[Command, Caller]:
    """A command that other processes give or feel, too."""
    everybody = Caller(person=ADA, handle="ada", request_id="r")
    if chance.random() < 0.5:
        return ChangeRoom(room=room, topic=f"topic {chance.random()}"), everybody
    shared = f"shared-{int(time.time() * 4)}"
    return PostMessage(room=room, message=shared, client_msg_id=shared), everybody


def report(what: Receipt | dict[str, int]) -> None:
    sys.stdout.write(msgspec.json.encode(what).decode() + "\n")


async def open_rooms(database_url: str) -> None:
    """Have every room, owned by ada."""
    async with opened(database_url) as (store, _, mapper, _):
        writer = Writer(store, lambda recorded: None)
        writer.start()
        handlers = Handlers(store, mapper, writer, limits=False)
        for room in ROOMS:
            try:
                await handlers.handle(OpenRoom(room=room), Caller(person=ADA, handle="ada", request_id="r"))
            except RoomExists:
                continue
        await writer.close()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], float(sys.argv[2]), sys.argv[3]))
