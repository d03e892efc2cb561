"""The pages as any program sees them: addresses, headers, cookies; visiting writes nothing."""

import re
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie

import httpx
import pytest

from commands.identity import COOKIE
from tests.acceptance.deployment import Web
from tests.servers import LOOPBACK
from tests.web.conftest import Program
from web.labels import fresh_label
from web.text import render_text

type Meet = Callable[[str], Program]


@pytest.fixture
def http(base: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=base) as http:
        yield http


def cookie_of(answer: httpx.Response) -> str:
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE].value


def test_visiting_a_room_writes_nothing(http: httpx.Client, label: str) -> None:
    page = http.get(f"/{label}/")
    assert page.status_code == 200
    assert 'Nobody has said anything here yet. Line <b id="next-seq">1</b> is yours.' in page.text
    assert http.get(f"/api/v1/rooms/{label}").status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/some-room/", "/no/such/page", "/api-docs-of-mine/", "/admin/", "/new/?label=a.b"]
)
def test_every_page_may_run_nothing_but_our_own_files(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert not re.search(r"<script(?![^>]*(src=|application/json))|\sstyle=|\son\w+=", page.text)


def test_a_browser_gets_a_cookie_that_scripts_cannot_read_and_keeps_it(http: httpx.Client) -> None:
    first = http.get("/")
    morsel = SimpleCookie(first.headers["set-cookie"])[COOKIE]
    assert morsel["httponly"]
    assert morsel["samesite"] == "Lax"
    assert "set-cookie" not in http.get("/some-room/").headers


def test_a_forged_cookie_is_no_cookie(http: httpx.Client) -> None:
    forged = http.get("/", headers={"Cookie": f"{COOKIE}=eyJwIjoiZ3Vlc3Q6YWRhIn0:1:x"})
    assert forged.status_code == 200
    assert cookie_of(forged)


def test_new_leads_to_a_fresh_room_or_to_the_one_that_was_asked_for(http: httpx.Client) -> None:
    fresh = http.get("/new/")
    assert fresh.status_code == 302
    assert re.fullmatch(r"/[a-z]+-[a-z]+-\d{4}/", fresh.headers["location"])
    assert http.get("/new/?label=garden").headers["location"] == "/garden/"
    refused = http.get("/new/?label=not a label")
    assert refused.status_code == 422
    assert "A–Z" in refused.text


def test_fresh_labels_differ() -> None:
    assert len({fresh_label() for _ in range(50)}) > 45


def test_a_room_has_one_address(http: httpx.Client) -> None:
    assert http.get("/garden?around=4").headers["location"] == "/garden/?around=4"


@pytest.mark.parametrize("path", ["/no/such/page", "/admin/", "/metrics-of/a/b/", f"/{'x' * 51}/", "/ümlaut/"])
def test_what_is_not_there_is_said_in_the_same_dress(http: httpx.Client, path: str) -> None:
    page = http.get(path)
    assert page.status_code == 404
    assert "web/base.css" in page.text


def test_a_handle_is_kept_in_the_cookie(http: httpx.Client, base: str, label: str) -> None:
    http.get("/")
    answer = http.post("/accounts/handle/", data={"handle": " Ada ", "room": label}, headers={"Origin": base})
    assert answer.headers["location"] == f"/{label}/"
    assert '<bdi class="handle" id="handle">Ada</bdi>' in http.get(f"/{label}/").text


def test_the_same_person_keeps_their_lines_under_a_new_handle(http: httpx.Client, base: str, label: str) -> None:
    before = http.get(f"/{label}/").text
    http.post("/accounts/handle/", data={"handle": "Ada"}, headers={"Origin": base})
    person = re.compile(r'"person": "(guest:\w+)"')
    assert person.findall(before) == person.findall(http.get(f"/{label}/").text)


@pytest.mark.parametrize("handle", ["", "   ", "x" * 41, "a\u202eb", "a\nb"])
def test_a_handle_that_nobody_may_have_is_refused(http: httpx.Client, base: str, handle: str) -> None:
    answer = http.post("/accounts/handle/", data={"handle": handle}, headers={"Origin": base})
    assert answer.status_code == 422
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_another_site_cannot_choose_ones_handle(http: httpx.Client, origin: str) -> None:
    answer = http.post("/accounts/handle/", data={"handle": "mallory"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_front_page_lists_public_rooms(http: httpx.Client, program: Meet, label: str) -> None:
    grace = program("grace")
    position = grace.says(label, "hello", "again")
    grace.reads(label, min_position=position)
    row = http.get("/").text.split(f'href="/{label}/"')[1].split("</li>")[0]
    assert '<span class="count">2 lines</span>' in row


def test_a_private_room_of_somebody_else_looks_like_an_empty_one(http: httpx.Client, program: Meet, label: str) -> None:
    grace = program("grace")
    grace.opens(label, visibility="private")
    grace.says(label, "a secret")
    page = http.get(f"/{label}/").text
    assert "a secret" not in page
    assert 'Line <b id="next-seq">1</b> is yours' in page
    assert label not in http.get("/").text


def test_what_was_said_is_on_the_page_before_any_script(http: httpx.Client, program: Meet, label: str) -> None:
    grace = program("grace")
    message = "<b>not bold</b> https://example.org/?a=1&b=2"
    grace.reads(label, min_position=grace.says(label, message))
    assert render_text(message) in http.get(f"/{label}/").text


@pytest.mark.parametrize(
    "place", ["around=0", "around=-1", "around=x", "before=99999999999999999999", "after=1&around=2"]
)
def test_a_place_that_makes_no_sense_is_the_newest_page(
    http: httpx.Client, program: Meet, label: str, place: str
) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, "hello"))
    assert "hello" in http.get(f"/{label}/?{place}").text


def test_static_files_are_kept_for_ever_under_an_address_that_changes(http: httpx.Client) -> None:
    (address,) = re.findall(r'href="(/static/\w{12}/web/base.css)"', http.get("/").text)
    answer = http.get(address)
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert http.get("/static/000000000000/web/base.css").status_code == 404


@pytest.mark.parametrize(
    ("guests", "said"), [("read", "You can read here. To write, sign in."), ("off", "Say who you are")]
)
def test_guests_are_told_what_they_may_not_do(guests: str, said: str) -> None:
    with Web(GUESTS=guests) as server:
        assert said in httpx.get(f"http://{LOOPBACK}:{server.port}/garden/").text


def test_a_moment_that_has_not_come_is_refused(http: httpx.Client, program: Meet, label: str) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, "hello"))
    page = http.get(f"/{label}/?as_of=99")
    assert page.status_code == 422
    assert "has not come that far" in page.text


@pytest.mark.parametrize("as_of", ["soon", "0", "-1", "2026-11-22"])
def test_what_is_no_moment_shows_the_room_as_it_is(http: httpx.Client, program: Meet, label: str, as_of: str) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, "hello"))
    page = http.get(f"/{label}/?as_of={as_of}")
    assert page.status_code == 200
    assert "Back to now" in page.text
    assert 'class="room"' in page.text


def test_a_time_is_a_moment_too(http: httpx.Client, program: Meet, label: str) -> None:
    grace = program("grace")
    grace.reads(label, min_position=grace.says(label, "hello"))
    page = http.get(f"/{label}/?as_of=2000-01-01T00:00:00Z")
    assert 'class="room past"' in page.text
    assert "hello" not in page.text
    assert 'id="empty" hidden' in page.text, "nobody is invited to write in the past"
