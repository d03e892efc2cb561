"""However often and wherever one message is sent, it is one event."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection

from commands.identity import Guests
from tests.acceptance.clients import open_socket, receive
from tests.acceptance.deployment import SECRET_KEY, Web, migrated_database, read_log
from tests.cast import GENERAL
from tests.servers import Postgres

SENDS = 200
SOCKETS = 10
NAME = "019ab3c4-5d6e-7f80-8a1b-2c3d4e5f6071"


@pytest.fixture(params=["sqlite", "postgres"])
def webs(request: pytest.FixtureRequest) -> Iterator[Sequence[Web]]:
    """One web process on SQLite, or two on one PostgreSQL."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield [stack.enter_context(Web())]
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            url = migrated_database(postgres)
            yield [stack.enter_context(Web(url)) for _ in range(2)]


class Sender:
    """One guest, who sends over every process at once."""

    def __init__(self, webs: Sequence[Web], stack: AsyncExitStack) -> None:
        self.headers = {"Authorization": f"Bearer {Guests(SECRET_KEY).welcome('ada')[1]}"}
        self.addresses = [f"127.0.0.1:{web.port}" for web in webs]
        self._stack = stack

    async def connect(self) -> tuple[list[httpx.AsyncClient], list[ClientConnection]]:
        """A client and sockets for every process."""
        clients, sockets = [], []
        for address in self.addresses:
            client = httpx.AsyncClient(base_url=f"http://{address}/api/v1", headers=self.headers, timeout=30)
            clients.append(await self._stack.enter_async_context(client))
            for _ in range(SOCKETS):
                socket = await self._stack.enter_async_context(open_socket(address, "/chat/", self.headers))
                assert (await receive(socket))["type"] == "welcome"
                sockets.append(socket)
        return clients, sockets


async def post(client: httpx.AsyncClient, message: str = "hello", **more: str) -> dict[str, Any]:
    body = {"message": message, "client_msg_id": NAME, **more}
    answer: dict[str, Any] = (await client.post(f"/rooms/{GENERAL}/messages", json=body)).json()
    return answer


async def post_often(socket: ClientConnection, times: int, message: str = "hello") -> list[dict[str, Any]]:
    frame = {"type": "post", "room": GENERAL, "message": message, "client_msg_id": NAME}
    for number in range(times):
        await socket.send(json.dumps({**frame, "id": number}))
    return [await receive(socket) for _ in range(times)]


async def test_200_simultaneous_sends_of_one_message_make_one_event(webs: Sequence[Web]) -> None:
    async with AsyncExitStack() as stack:
        clients, sockets = await Sender(webs, stack).connect()
        by_rest = SENDS // 2 // len(clients)
        by_socket = SENDS // 2 // len(sockets)
        over_rest, over_sockets = await asyncio.gather(
            asyncio.gather(*(post(client) for client in clients for _ in range(by_rest))),
            asyncio.gather(*(post_often(socket, by_socket) for socket in sockets)),
        )
        answers = [*over_rest, *(frame for frames in over_sockets for frame in frames)]
        assert len(answers) == SENDS
        places = Counter((answer["message_id"], answer["seq"], answer["position"]) for answer in answers)
        assert len(places) == 1
        assert Counter(answer["duplicate"] for answer in answers) == {False: 1, True: SENDS - 1}
        await assert_another_body_is_refused(clients, sockets)

    posted = [event for event in await read_log(webs[0].database_url) if event.message_id]
    assert [(event.message_id, event.seq, event.position) for event in posted] == list(places)
    assert [event.message for event in posted] == ["hello"]


async def assert_another_body_is_refused(
    clients: Sequence[httpx.AsyncClient], sockets: Sequence[ClientConnection]
) -> None:
    for client in clients:
        assert (await post(client, "hello!"))["code"] == "idempotency_mismatch"
        assert (await post(client, reply_to="0" * 32))["code"] == "idempotency_mismatch"
        assert (await post(client, handle="somebody else"))["duplicate"] is True
    for socket in sockets:
        [answer] = await post_often(socket, 1, "hello!")
        assert (answer["type"], answer["code"]) == ("error", "idempotency_mismatch")
