"""Posting over a socket: acknowledged when durable, in order, once."""

import asyncio
from typing import Any

import pytest

from commands.errors import Unavailable
from commands.member import Ban
from commands.rules import OpenRoom
from realtime.session import MAX_OPEN_POSTS
from tests.cast import ADA, GENERAL, GRACE
from tests.realtime.world import World


async def test_a_post_is_acknowledged_with_its_place_and_everyone_receives_it(served: World) -> None:
    await served.fill(2)
    async with served.connect(token=served.token(ADA)) as ada, served.connect() as grace:
        for client in (ada, grace):
            await client.subscribe(GENERAL)
            await client.receive("caught_up")
        await ada.send("post", id="mine", room=GENERAL, message="hi", client_msg_id="one")
        seen, posted = sorted([await ada.receive(), await ada.receive()], key=lambda frame: frame["type"])
        assert posted == {
            "type": "posted", "id": "mine", "room": GENERAL, "seq": 3, "position": seen["position"],
            "message_id": seen["data"]["message_id"], "duplicate": False,
        }  # fmt: skip
        assert seen == await grace.receive("event")
        assert (seen["actor"], seen["data"]["handle"]) == (ADA, "ada")


async def test_a_retry_gets_the_first_answer_also_from_another_socket_of_the_same_person(served: World) -> None:
    async with served.connect() as client:
        first = await client.ask("post", room=GENERAL, message="hi", client_msg_id="one")
        again = await client.ask("post", room=GENERAL, message="hi", client_msg_id="one", handle="Somebody")
        token = client.welcome["token"]
    async with served.connect(token=token) as client:
        elsewhere = await client.ask("post", room=GENERAL, message="hi", client_msg_id="one")
        assert client.welcome.get("token") is None
        assert again == elsewhere == {**first, "duplicate": True}
        assert await client.refusal("post", room=GENERAL, message="ho", client_msg_id="one") == "idempotency_mismatch"


async def test_posts_of_one_socket_keep_their_order(served: World) -> None:
    async with served.connect() as client:
        for n in range(300):
            await client.send("post", id=n, room=GENERAL, message=f"{n}")
        answers = {answer["id"]: answer["seq"] for answer in [await client.receive("posted") for _ in range(300)]}
        assert sorted(answers) == sorted(answers, key=answers.__getitem__)


async def test_an_id_may_be_text_a_number_or_missing(served: World) -> None:
    async with served.connect() as client:
        for frame_id in ("x" * 64, "", 0, -7, 2**53 - 1):
            await client.send("post", id=frame_id, room=GENERAL, message="hi")
            assert (await client.receive("posted"))["id"] == frame_id
        await client.send("post", room=GENERAL, message="hi")
        assert "id" not in await client.receive("posted")


async def test_a_reply_and_a_handle_of_its_own(served: World) -> None:
    async with served.connect() as client:
        first = await client.ask("post", room=GENERAL, message="hi")
        await client.ask("post", room=GENERAL, message="ho", handle="Ada L.", reply_to=first["message_id"])
    _, reply = await served.log.read_room(GENERAL, after=1)
    assert reply.event is not None
    assert (reply.event.data["handle"], reply.event.data["reply_to"]) == ("Ada L.", first["message_id"])
    assert (reply.event.address, reply.event.client.partition("/")[0]) == ("127.0.0.1", "Python")


async def test_whoever_is_banned_can_neither_post_nor_subscribe(served: World) -> None:
    await served.handlers.handle(OpenRoom(room=GENERAL), served.caller(ADA))
    await served.handlers.handle(Ban(room=GENERAL, person=GRACE), served.caller(ADA))
    async with served.connect(token=served.token(GRACE)) as client:
        assert await client.refusal("post", room=GENERAL, message="hi") == "banned"
        assert await client.refusal("subscribe", room=GENERAL) == "banned"
    async with served.connect(f"/chat/{GENERAL}/", token=served.token(GRACE)) as client:
        code, (error, goodbye) = await client.closed()
        assert (error["code"], goodbye["code"], goodbye["reconnect"], code) == ("banned", 4507, False, 4507)


async def test_a_private_room_is_not_found_by_others(served: World) -> None:
    await served.handlers.handle(OpenRoom(room=GENERAL, visibility="private"), served.caller(ADA))
    async with served.connect(token=served.token(GRACE)) as client:
        assert await client.refusal("subscribe", room=GENERAL) == "not_found"
        assert await client.refusal("post", room=GENERAL, message="hi") == "not_found"
    async with served.connect(token=served.token(ADA)) as client:
        assert (await client.subscribe(GENERAL))["type"] == "subscribed"


async def test_what_nobody_expected_is_answered_and_the_socket_stays(
    served: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    async with served.connect() as client:
        with monkeypatch.context() as patch:
            patch.setattr(served.handlers, "accept", fail)
            refused = await client.ask("post", room=GENERAL, message="hi")
        assert (refused["code"], refused["retryable"]) == ("internal", True)
        assert "a bug" not in str(refused)
        assert "a bug" in caplog.text
        assert (await client.ask("post", room=GENERAL, message="hi"))["type"] == "posted"


async def test_a_commit_that_fails_is_answered_as_retryable(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> asyncio.Future[Any]:
        refused = asyncio.get_running_loop().create_future()
        refused.set_exception(Unavailable(retry_after_ms=500))
        return refused

    monkeypatch.setattr(served.handlers, "accept", refuse)
    async with served.connect() as client:
        refused = await client.ask("post", room=GENERAL, message="hi")
        assert (refused["code"], refused["retryable"], refused["retry_after_ms"]) == ("unavailable", True, 500)


async def test_so_many_posts_may_be_open_and_then_reading_stops(served: World, monkeypatch: pytest.MonkeyPatch) -> None:
    open_posts: list[asyncio.Future[Any]] = []

    async def hold(*_: object) -> asyncio.Future[Any]:
        open_posts.append(asyncio.get_running_loop().create_future())
        return open_posts[-1]

    monkeypatch.setattr(served.handlers, "accept", hold)
    async with served.connect() as client, served.connect() as other:
        for _ in range(MAX_OPEN_POSTS + 10):
            await client.send("post", room=GENERAL, message="hi")
        for _ in range(3):
            await other.ask("ping")
        assert len(open_posts) == MAX_OPEN_POSTS
        open_posts[0].set_exception(Unavailable())
        await client.receive("error")
        await other.ask("ping")
        assert len(open_posts) == MAX_OPEN_POSTS + 1
        for post in open_posts[1:]:
            post.cancel()
