"""On one socket a room's events arrive with seq after+1, after+2, …, each once, none missing: whatever happens."""

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from commands.store import Recorded
from realtime import hub, hubs, subscription
from realtime.bus import LocalBus
from realtime.faults import FAULTS, faulty
from tests.realtime.listener import Listener
from tests.realtime.world import World, postgres_world, sqlite_world
from tests.servers import Postgres

PAGE = 5
SETTLES_WITHIN_S = 10.0
CLIENTS = st.sampled_from(["ada", "grace", "linus"])


class Faults:
    """A bus whose fault can be changed while it runs."""

    def __init__(self) -> None:
        self._bus = LocalBus()
        self.fault: str | None = None

    def publish(self, events: Sequence[Recorded]) -> None:
        faulty(self._bus, self.fault).publish(events)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


class Promises(RuleBasedStateMachine):
    """Two nodes over one store: posts on either, listeners on one of them."""

    world: World
    other: World
    run: Callable[..., Any]
    rooms = itertools.count()

    def __init__(self) -> None:
        super().__init__()
        assert isinstance(self.world.bus, Faults)
        self.bus = self.world.bus
        self.room = f"room-{next(self.rooms)}"
        self.listeners: dict[str, Listener] = {}
        self.posted: dict[str, tuple[int, int]] = {}
        self.bus.fault = None

    @initialize(backlog=st.integers(1, 4 * PAGE))
    def open_the_room(self, backlog: int) -> None:
        self.run(self.world.fill(max(2, backlog), self.room))

    @rule(count=st.integers(1, 2 * PAGE + 1), elsewhere=st.booleans())
    def post(self, count: int, *, elsewhere: bool) -> None:
        async def post() -> None:
            world = self.other if elsewhere else self.world
            ids = [f"{self.room}-{len(self.posted) + n}" for n in range(count)]
            receipts = await asyncio.gather(*(world.say(id_, self.room, client_msg_id=id_) for id_ in ids))
            self.posted |= {id_: (it.seq, it.position) for id_, it in zip(ids, receipts, strict=True)}

        self.run(post())

    @rule(data=st.data(), elsewhere=st.booleans())
    def retry(self, data: st.DataObject, *, elsewhere: bool) -> None:
        if self.posted:
            id_ = data.draw(st.sampled_from(sorted(self.posted)))
            world = self.other if elsewhere else self.world
            receipt = self.run(world.say(id_, self.room, client_msg_id=id_))
            assert (receipt.duplicate, (receipt.seq, receipt.position)) == (True, self.posted[id_])

    @rule(fault=st.sampled_from([None, *FAULTS]))
    def break_the_bus(self, fault: str | None) -> None:
        self.bus.fault = fault

    @rule(name=CLIENTS, back=st.none() | st.integers(0, 4 * PAGE), acks=st.booleans())
    def subscribe(self, name: str, back: int | None, *, acks: bool) -> None:
        """Connect, or subscribe again on the same socket: from the head, or from that far back."""

        async def subscribe() -> None:
            listener = self.listeners.get(name)
            if listener is None or listener.session.ended:
                listener = self.listeners[name] = Listener(self.world, name, self.room)
            listener.acks = acks
            head = await self.world.log.head(self.room)
            await listener.subscribe(None if back is None else max(0, head - back))

        self.run(subscribe())

    @rule(name=CLIENTS)
    def resume(self, name: str) -> None:
        """Lose the connection and come back after the last event that was seen."""
        if (old := self.listeners.get(name)) is None:
            return
        old.session.leave()
        new = self.listeners[name] = Listener(self.world, name, self.room)
        self.run(new.subscribe(old.last_seen()))

    @rule(name=CLIENTS)
    def unsubscribe(self, name: str) -> None:
        if listener := self.listeners.pop(name, None):
            self.run(listener.session.receive(f'{{"type":"unsubscribe","room":"{self.room}"}}'))
            self.run(self.world.say("nobody hears this", self.room))
            if not listener.session.ended:
                assert listener.mailbox.frames[-1] == {"type": "unsubscribed", "room": self.room}

    @rule(name=CLIENTS)
    def vanish(self, name: str) -> None:
        """The transport breaks, and the server has not heard of it yet."""
        if listener := self.listeners.pop(name, None):
            listener.mailbox.broken = True

    @rule(name=CLIENTS)
    def stop_reading(self, name: str) -> None:
        if listener := self.listeners.get(name):
            listener.mailbox.reads = False

    @rule(name=CLIENTS)
    def read_slowly(self, name: str) -> None:
        if listener := self.listeners.get(name):
            listener.mailbox.read_slowly()

    @rule(name=CLIENTS)
    def read_all(self, name: str) -> None:
        if listener := self.listeners.get(name):
            listener.mailbox.read_all()

    @rule(name=CLIENTS)
    def acknowledge(self, name: str) -> None:
        if listener := self.listeners.get(name):
            self.run(listener.acknowledge())

    @rule()
    def settle(self) -> None:
        """Everybody who reads and acknowledges has everything, soon."""
        self.run(self._settle())

    async def _settle(self) -> None:
        head = await self.world.log.head(self.room)
        facts = await self.world.log.read_room(self.room, after=0, limit=100_000)
        async with asyncio.timeout(SETTLES_WITHIN_S):
            while behind := [it for it in self.listeners.values() if self._is_behind(it, head)]:
                for listener in behind:
                    await listener.acknowledge()
                await asyncio.sleep(0.002)
        for listener in self.listeners.values():
            for event in listener.mailbox.events():
                assert event["position"] == facts[event["seq"] - 1].recorded.position

    def _is_behind(self, listener: Listener, head: int) -> bool:
        if listener.session.ended or not listener.acks or listener.mailbox.buffered():
            return False
        return not listener.mailbox.subscription() or listener.last_seen() < head

    @invariant()
    def nobody_was_promised_more(self) -> None:
        for listener in self.listeners.values():
            listener.check()

    def teardown(self) -> None:
        for listener in self.listeners.values():
            listener.mailbox.reads = True
            listener.mailbox.read_all()
        self.bus.fault = None
        self.run(self._settle())
        self.nobody_was_promised_more()
        for listener in self.listeners.values():
            listener.session.leave()


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture(params=["sqlite", "postgres"])
def worlds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, list[World]]]:
    """Two nodes of one deployment, and the loop that they live on; the first one's bus has faults."""
    url = request.getfixturevalue("postgres").create_database() if request.param == "postgres" else None

    async def open_worlds(stack: AsyncExitStack) -> list[World]:
        return [
            await stack.enter_async_context(postgres_world(url, bus) if url else sqlite_world(tmp_path, bus))
            for bus in (Faults(), LocalBus())
        ]

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        stack = AsyncExitStack()
        yield runner, runner.run(open_worlds(stack))
        runner.run(stack.aclose())


@pytest.mark.timeout(300)
def test_promises_hold(worlds: tuple[asyncio.Runner, list[World]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "PAGE", PAGE)
    monkeypatch.setattr(subscription, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(hubs, "WATCH_S", 0.05)
    monkeypatch.setattr(hub, "MAX_AHEAD", 2 * PAGE)
    runner, (one, another) = worlds

    class Machine(Promises):
        run = staticmethod(runner.run)
        world, other = one, another

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(os.environ.get("PROMISES", "30")),
            stateful_step_count=40,
            deadline=None,
            phases=set(Phase) - {Phase.shrink},
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
