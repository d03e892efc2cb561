"""Messages that change over a socket, and what everybody sees of it."""

import asyncio
from typing import Any

import pytest

from commands.amending import RedactMessage
from commands.handlers import Receipt
from commands.member import Ban
from commands.rules import ChangeRoom, OpenRoom
from realtime.encoding import VERBATIM
from realtime.outlet import Outlet
from tests.cast import ADA, GENERAL, GRACE, LINUS
from tests.realtime.client import Client
from tests.realtime.mailbox import Mailbox
from tests.realtime.world import World


@pytest.fixture
async def posted(served: World) -> Receipt:
    """What grace said in ada's room."""
    await served.handlers.handle(OpenRoom(room=GENERAL), served.caller(ADA))
    return await served.say("helo", person=GRACE)


def about(posted: Receipt, **more: Any) -> dict[str, Any]:
    return {"room": GENERAL, "message_id": posted.message_id, **more}


async def test_every_change_is_acknowledged_and_everyone_receives_it(served: World, posted: Receipt) -> None:
    steps = [("edit", {"message": "hello"}), ("react", {"emoji": "🫖"}), ("unreact", {"emoji": "🫖"})]
    async with served.connect(token=served.token(GRACE)) as grace, served.connect() as linus:
        await linus.subscribe(GENERAL)
        await linus.receive("caught_up")
        for type_, fields in [*steps, ("redact", {"reason": "too soon"})]:
            done = await grace.ask(type_, **about(posted, **fields))
            seen = await linus.receive("event")
            assert done == {
                "type": "done", "id": "ask", "room": GENERAL, "seq": seen["seq"], "position": seen["position"],
            }  # fmt: skip
            assert seen["data"] == {"message_id": posted.message_id, **fields}
            assert seen["actor"] == GRACE
        assert seen["event"] == "message.redacted"


async def test_what_changes_nothing_says_so(served: World, posted: Receipt) -> None:
    async with served.connect(token=served.token(GRACE)) as grace:
        same = await grace.ask("edit", **about(posted, message="helo"))
        assert (same["type"], same["seq"], same["changed"]) == ("done", posted.seq, False)
        done = await grace.ask("react", **about(posted, emoji="🫖"))
        assert await grace.ask("react", **about(posted, emoji="🫖")) == {**done, "changed": False}
        done = await grace.ask("redact", **about(posted, reason=None))
        assert await grace.ask("redact", **about(posted)) == {**done, "changed": False}


async def test_changes_of_one_socket_keep_their_order(served: World, posted: Receipt) -> None:
    async with served.connect(token=served.token(GRACE)) as grace:
        for n in range(60):
            await grace.send("edit", id=n, **about(posted, message=f"{n % 2}"))
        answers = [await grace.receive("done") for _ in range(60)]
    assert [answer["id"] for answer in answers] == list(range(60))
    facts = await served.log.read_room(GENERAL, after=posted.seq)
    assert [fact.event.data["message"] for fact in facts if fact.event] == [f"{n % 2}" for n in range(60)]


async def refusals(client: Client, posted: Receipt) -> set[str]:
    """The codes with which every change of a message is refused."""
    fields = about(posted, message="mine", emoji="🫖")
    return {await client.refusal(type_, **fields) for type_ in ("edit", "redact", "react", "unreact")}


async def test_who_may_not_change_a_message_is_refused(served: World, posted: Receipt) -> None:
    nothing = Receipt(room=GENERAL, seq=0, position=0, message_id="0" * 32)
    async with served.connect(token=served.token(LINUS)) as linus:
        assert await linus.refusal("edit", **about(posted, message="mine")) == "forbidden"
        assert await linus.refusal("redact", **about(posted)) == "forbidden"
        assert await refusals(linus, nothing) == {"not_found"}
        await served.handlers.handle(Ban(room=GENERAL, person=LINUS), served.caller(ADA))
        assert await refusals(linus, posted) == {"banned"}
    async with served.connect(token=served.token(GRACE)) as grace:
        await grace.ask("redact", **about(posted))
        for type_ in ("edit", "react", "unreact"):
            assert await grace.refusal(type_, **about(posted, message="mine", emoji="🫖")) == "redacted"
        await served.handlers.handle(ChangeRoom(room=GENERAL, archived=True), served.caller(ADA))
        assert await refusals(grace, posted) == {"archived"}


async def test_a_private_room_is_not_found_by_others(served: World) -> None:
    await served.handlers.handle(OpenRoom(room=GENERAL, visibility="private"), served.caller(ADA))
    posted = await served.say("hi")
    async with served.connect(token=served.token(GRACE)) as grace:
        assert await refusals(grace, posted) == {"not_found"}


async def test_a_backlog_has_stubs_where_a_message_was_redacted(served: World, posted: Receipt) -> None:
    async with served.connect(token=served.token(GRACE)) as grace, served.connect() as linus:
        await grace.ask("edit", **about(posted, message="a secret"))
        await linus.subscribe(GENERAL, after=0)
        before = [await linus.receive("event") for _ in range(3)]
        assert [event["data"].get("message") for event in before] == [None, "helo", "a secret"]
        await linus.receive("caught_up")
        await grace.ask("redact", **about(posted))
        live = await linus.receive("event")
        await linus.subscribe(GENERAL, after=0)
        after = await linus.receive_events(4)
    assert after == [before[0], *({**event, "data": {}, "stub": "redacted"} for event in before[1:]), live]


async def test_what_comes_live_after_its_redaction_is_a_stub(world: World) -> None:
    """A hint that was held up: the hub lets the message out together with what redacts it."""
    await world.say("first")
    hub = world.hubs.enter(GENERAL)
    await world.hubs.find_head(hub)
    mailbox = Mailbox()
    hub.join(VERBATIM, Outlet(mailbox, world.hubs.turn))
    world.deaf = True
    posted = await world.say("a secret")
    [raw] = await world.log.open(await world.store.read_stream(GENERAL, after=2))
    await world.handlers.handle(RedactMessage(room=GENERAL, message_id=posted.message_id or ""), world.caller(ADA))
    [_, redaction] = await world.log.read_room(GENERAL, after=2)
    hub.take(redaction)
    hub.take(raw)
    async with asyncio.timeout(5):
        await hub.reach(4)
        while len(mailbox.frames) < 2:
            await asyncio.sleep(0)
    assert [(frame["event"], frame.get("stub")) for frame in mailbox.frames] == [
        ("message.posted", "redacted"),
        ("message.redacted", None),
    ]
    world.hubs.leave(hub)


async def test_the_classic_dialect_hears_of_messages_only(served: World, posted: Receipt) -> None:
    async with (
        served.connect(token=served.token(GRACE)) as grace,
        Client.connect(served.port, f"/chat/{GENERAL}/", protocol=None) as guide,
    ):
        await grace.ask("post", room=GENERAL, message="are you there?")
        assert (await guide.receive())["message"] == "are you there?"
        for type_, fields in (("edit", {"message": "hello"}), ("react", {"emoji": "🫖"}), ("redact", {})):
            await grace.ask(type_, **about(posted, **fields))
        await grace.ask("post", room=GENERAL, message="bye")
        assert (await guide.receive())["message"] == "bye"
