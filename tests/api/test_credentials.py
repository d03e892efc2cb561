"""Who asks: tokens, the browser's cookie, and what is needed beside it."""

import httpx
import pytest
from django.middleware.csrf import _get_new_csrf_string
from pytest_django import Settings

from commands.identity import COOKIE
from tests.api.client import Client


@pytest.fixture
def csrf() -> str:
    return _get_new_csrf_string()


@pytest.fixture
async def browser(transport: httpx.ASGITransport, nobody: Client, csrf: str) -> Client:
    """Somebody whose browser keeps the guest cookie and the CSRF cookie."""
    token = (await nobody.ask("POST", "/guests", json={"handle": "grace"})).json()["token"]
    browser = Client(transport, nobody.document)
    browser.http.cookies.set(COOKIE, token)
    browser.http.cookies.set("csrftoken", csrf)
    return browser


async def test_writing_asks_who_you_are(nobody: Client, garden: str) -> None:
    response = await nobody.ask("POST", f"/rooms/{garden}/messages", json={"message": "hi"})
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_that_is_not_ours_is_refused_even_for_reading(nobody: Client, ada: Client) -> None:
    for token in ("nonsense", "", "a:b:c", ada.http.headers["authorization"].split()[1][:-1] + "~"):
        headers = {"Authorization": f"Bearer {token}"}
        await nobody.refused("GET", "/rooms", "unauthenticated", headers=headers)
        await nobody.refused("POST", "/rooms", "unauthenticated", headers=headers, json={"label": "x"})


async def test_another_scheme_is_nobody(nobody: Client, garden: str) -> None:
    headers = {"Authorization": "Basic YTpi"}
    assert (await nobody.ask("GET", "/rooms", headers=headers)).status_code == 200
    await nobody.refused("POST", "/rooms", "unauthenticated", headers=headers, json={"label": garden})


async def test_the_cookie_needs_the_csrf_token(browser: Client, csrf: str, garden: str) -> None:
    path, body = f"/rooms/{garden}/messages", {"message": "hi"}
    await browser.refused("POST", path, "forbidden", json=body)
    await browser.refused("POST", path, "forbidden", json=body, headers={"X-CSRFToken": "x" * 32})
    assert (await browser.ask("POST", path, json=body, headers={"X-CSRFToken": csrf})).status_code == 201
    elsewhere = {"X-CSRFToken": csrf, "Origin": "http://evil.example"}
    await browser.refused("POST", path, "forbidden", json=body, headers=elsewhere)
    here = {"X-CSRFToken": csrf, "Origin": "http://localhost"}
    assert (await browser.ask("POST", path, json=body, headers=here)).status_code == 201
    assert (await browser.ask("GET", f"/rooms/{garden}")).status_code in (200, 503)


async def test_a_token_needs_no_csrf_token_even_beside_the_cookie(browser: Client, ada: Client, garden: str) -> None:
    headers = {"Authorization": ada.http.headers["authorization"]}
    posted = await browser.ask("POST", f"/rooms/{garden}/messages", json={"message": "hi"}, headers=headers)
    assert posted.status_code == 201
    assert (await ada.get(f"/rooms/{garden}/events"))["items"][-1]["actor"] == ada.person


async def test_a_cookie_that_is_not_ours_is_no_cookie(browser: Client, csrf: str, garden: str) -> None:
    browser.http.cookies.set(COOKIE, "nonsense")
    assert (await browser.ask("GET", "/rooms")).status_code == 200
    headers = {"X-CSRFToken": csrf}
    await browser.refused("POST", "/rooms", "unauthenticated", json={"label": garden}, headers=headers)


class TestWithoutGuests:
    """What `GUESTS` allows."""

    @pytest.fixture
    def guests(self) -> str:
        return "off"

    @pytest.fixture(autouse=True)
    def setting(self, settings: Settings, guests: str) -> None:
        settings.GUESTS = guests

    async def test_off_lets_nobody_read(self, nobody: Client, garden: str) -> None:
        for path in ("/rooms", "/projections", f"/rooms/{garden}", f"/rooms/{garden}/messages"):
            await nobody.refused("GET", path, "unauthenticated")

    @pytest.mark.parametrize("guests", ["read"])
    async def test_read_lets_guests_read_but_not_write(self, ada: Client, nobody: Client, garden: str) -> None:
        assert (await nobody.ask("GET", "/rooms")).status_code == 200
        await ada.refused("POST", "/rooms", "unauthenticated", json={"label": garden})
        await ada.refused("POST", f"/rooms/{garden}/messages", "unauthenticated", json={"message": "hi"})
