"""Who gets in: origins, credentials, subprotocols, and how many."""

import asyncio
import re
from contextlib import AsyncExitStack
from typing import Any

import pytest
from pytest_django import Settings
from websockets.exceptions import InvalidStatus

from commands.limits import Buckets, Rate
from realtime.admission import NEW_PER_ADDRESS, Admission
from tests.cast import GENERAL, GRACE
from tests.realtime.client import Client
from tests.realtime.world import World


async def status(world: World, path: str = "/chat/", **how: Any) -> int:
    """The HTTP status with which a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with Client.connect(world.port, path, **how):
            pass
    return int(refused.value.response.status_code)


async def test_a_fresh_guest_is_welcomed_with_a_token_and_is_the_same_one_with_it(served: World) -> None:
    async with served.connect() as client:
        welcome = client.welcome
        assert re.fullmatch("guest:[0-9a-f]{16}", welcome["person"])
        assert welcome["handle"] == f"Guest-{welcome['person'][6:10]}"
        assert welcome["limits"]["message"] == 10_000
    for how in ({"token": welcome["token"]}, {"cookie": welcome["token"]}):
        async with served.connect(**how) as client:
            assert client.welcome == {key: value for key, value in welcome.items() if key != "token"}


async def test_a_foreign_origin_is_refused_in_the_handshake(served: World) -> None:
    own = f"http://127.0.0.1:{served.port}"
    foreign = (
        "null", "http://evil.example", f"https://127.0.0.1:{served.port}", "http://127.0.0.1", "http://127.0.0.1:1",
        f"http://localhost:{served.port}", f"{own}.evil.example", f"{own}@evil.example", f"evil{own}", "nonsense",
        f"{own}/", f"{own}?", "http://", "http://[", f"ws://127.0.0.1:{served.port}",
    )  # fmt: skip
    for origin in foreign:
        assert await status(served, origin=origin) == 403, origin
        assert await status(served, origin=origin, token=served.token(GRACE)) == 403, origin
        assert await status(served, f"/chat/{GENERAL}/", origin=origin, protocol=None) == 403, origin


async def test_a_host_that_is_not_ours_is_refused_even_when_the_origin_matches(served: World) -> None:
    assert await status(served, origin="http://evil.example", host="evil.example") == 403


async def test_the_origin_is_compared_as_browsers_write_it(served: World) -> None:
    for origin, host in (
        (f"HTTP://LOCALHOST:{served.port}", f"localhost:{served.port}"),
        ("http://localhost", "localhost"),
        ("http://localhost:80", "localhost"),
        (f"http://[::1]:{served.port}", f"[::1]:{served.port}"),
    ):
        async with served.connect(origin=origin, host=host):
            pass


async def test_without_an_origin_only_a_token_gets_in(served: World) -> None:
    async with served.connect(origin=None, token=served.token(GRACE)) as client:
        assert client.welcome["person"] == GRACE
    assert await status(served, origin=None) == 403
    assert await status(served, origin=None, cookie=served.token(GRACE)) == 403


async def test_a_token_that_is_not_ours_is_told_so_after_the_handshake(served: World) -> None:
    for token in ("nonsense", served.token(GRACE) + "x"):
        async with Client.connect(served.port, "/chat/", token=token) as client:
            code, (goodbye,) = await client.closed()
            assert (code, goodbye["code"], goodbye["reconnect"]) == (4503, 4503, False)


async def test_a_cookie_that_is_not_ours_is_no_cookie(served: World) -> None:
    async with served.connect(cookie="nonsense") as client:
        assert "token" in client.welcome


async def test_where_guests_are_off_they_are_sent_to_sign_in(served: World, settings: Settings) -> None:
    settings.GUESTS = "off"
    for how in ({}, {"token": served.token(GRACE)}, {"protocol": None}):
        async with Client.connect(served.port, f"/chat/{GENERAL}/", **how) as client:
            assert (await client.closed())[0] == 4503


async def test_an_unknown_subprotocol_is_echoed_and_closed(served: World) -> None:
    async with Client.connect(served.port, f"/chat/{GENERAL}/", protocol="verbatim.v99") as client:
        assert client.connection.subprotocol == "verbatim.v99"
        assert await client.closed() == (4506, [])


async def test_ours_is_chosen_among_several(served: World) -> None:
    async with Client.connect(served.port, "/chat/", protocol="other verbatim.v1") as client:
        assert client.connection.subprotocol == "verbatim.v1"
        await client.receive("welcome")


@pytest.mark.parametrize(
    ("label", "code"),
    [("a%20b", "invalid_field"), ("x" * 51, "invalid_field"), ("%C3%A4", "invalid_field"), ("api", "label_reserved")],
)
async def test_the_address_of_a_room_that_cannot_be_says_why_and_closes(served: World, label: str, code: str) -> None:
    async with served.connect(f"/chat/{label}/") as client:
        closed, (error, goodbye) = await client.closed()
        assert (error["code"], goodbye["type"], goodbye["reconnect"], closed) == (code, "disconnect", False, 4501)


async def test_other_addresses_are_not_found(served: World) -> None:
    for path in ("/", "/chat", f"/chat/{GENERAL}", f"/chat/{GENERAL}/more/", "/general/", "/api/v1/rooms"):
        assert await status(served, path) == 404, path


async def test_a_person_may_have_20_sockets(served: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    await without_arrival_limit(served, settings, monkeypatch)
    token = served.token(GRACE)
    async with AsyncExitStack() as stack:
        for _ in range(20):
            await stack.enter_async_context(served.connect(token=token))
        async with Client.connect(served.port, "/chat/", token=token) as client:
            code, (goodbye,) = await client.closed()
            assert (code, goodbye["code"], goodbye["reconnect"]) == (4504, 4504, False)
        async with served.connect():
            pass
    await everybody_has_left(served)
    async with served.connect(token=token):
        pass


async def test_an_address_may_have_100_sockets(
    served: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await without_arrival_limit(served, settings, monkeypatch)
    async with AsyncExitStack() as stack:
        for _ in range(100):
            await stack.enter_async_context(served.connect())
        async with Client.connect(served.port, "/chat/") as client:
            assert (await client.closed())[0] == 4504
    await everybody_has_left(served)
    assert served.hubs.admission._persons == served.hubs.admission._addresses == {}


async def test_an_address_may_open_10_sockets_at_once_and_is_told_when_to_come_back(
    served: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS_ON = True
    assert Rate(per_s=10, burst=10) == NEW_PER_ADDRESS
    monkeypatch.setattr(served.hubs.admission, "_arrivals", Buckets(Rate(per_s=0.02, burst=10)))
    async with AsyncExitStack() as stack:
        for _ in range(10):
            await stack.enter_async_context(served.connect())
        async with Client.connect(served.port, "/chat/") as client:
            code, (goodbye,) = await client.closed()
            assert (code, goodbye["code"], goodbye["reconnect"]) == (4013, 4013, True)
            assert 0 < goodbye["retry_after_ms"] <= 50_000


def test_admission_forgets_who_left() -> None:
    admission = Admission()
    for person in ("a", "b"):
        assert admission.enter(person, "192.0.2.1") is None
    for person in ("a", "b"):
        admission.leave(person, "192.0.2.1")
    assert admission._persons == admission._addresses == {}


async def without_arrival_limit(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.LIMITS_ON = True
    monkeypatch.setattr(world.hubs.admission._arrivals, "take", lambda _: 0.0)


async def everybody_has_left(world: World) -> None:
    async with asyncio.timeout(5):
        while world.hubs.sessions:
            await asyncio.sleep(0.01)
