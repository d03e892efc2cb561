"""The pages: front, a fresh room, a room, and what one is called."""

from datetime import tzinfo
from typing import Any
from urllib.parse import unquote

import msgspec
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from commands.errors import LabelReserved, NotFound, Refusal
from commands.identity import Identity, Reader, clean_handle
from commands.message import MAX_MESSAGE
from commands.rules import LABEL, Rules, check_label
from projections.queries import Page
from web.guest import guests_of, is_from_our_page, meet, remember
from web.labels import fresh_label
from web.page import ZONE_COOKIE, render_page, render_refusal
from web.place import place
from web.transcript import Then, describe_moment, describe_then, read_lines, reader_zone

PAGE_LINES = 50
PAST = "This is the room as it was: it can be read, but nothing can be added."
NOTHING = Page([], found_oldest=True, found_newest=True, head_seq=0, position=0)


@require_safe
async def front(request: ASGIRequest, refused: str = "") -> HttpResponse:
    """`/`: what this is, and which rooms there are. `refused` says why a label was not taken."""
    me, token = meet(request)
    try:
        rooms, _ = await request.scope["state"]["queries"].rooms(me.person)
    except Refusal:
        rooms = []
    listed = [_listed(msgspec.json.decode(room), _zone(request)) for room in rooms]
    context = {"rooms": listed, "refused": refused, "label": request.GET.get("label", "")}
    return remember(request, render_page(request, "web/front.html", context, 422 if refused else 200), token)


@require_safe
async def new(request: ASGIRequest) -> HttpResponse:
    """`/new/`: to the room of that label, or to a fresh one."""
    label = request.GET.get("label", "").strip() or fresh_label()
    try:
        check_label(label)
    except Refusal as refusal:
        return await front(request, refused=refusal.detail)
    answer = HttpResponseRedirect(reverse("web:room", args=[label]))
    answer["Cache-Control"] = "no-store"
    return answer


@require_safe
async def room(request: ASGIRequest, label: str) -> HttpResponse:
    """`/<label>/`: the room, with its newest lines or those around (before, after) a seq. Writes nothing."""
    me, token = meet(request)
    try:
        check_label(label)
        answer = await _room(request, label, me)
    except LabelReserved as refusal:
        answer = render_refusal(request, 404, "There is no such page", refusal.detail)
    except Refusal as refusal:
        answer = render_refusal(
            request, refusal.status, TITLES.get(refusal.status, "This did not work"), refusal.detail
        )
    return remember(request, answer, token)


TITLES = {401: "Sign in to read here", 503: "Not right now"}


@require_safe
async def to_room(request: ASGIRequest, label: str) -> HttpResponse:
    """`/<label>`: a room's address ends with a slash."""
    query = request.META["QUERY_STRING"]
    return HttpResponseRedirect(reverse("web:room", args=[label]) + (f"?{query}" if query else ""))


async def _room(request: ASGIRequest, label: str, me: Identity) -> HttpResponse:
    state = request.scope["state"]
    erasures = state["log"].erasures.latest
    try:
        rules: Rules = await state["handlers"].rules(label, Reader(me.person))
        page: Page = await state["queries"].page(label, **place(request.GET), limit=PAGE_LINES)
    except NotFound:
        rules, page = Rules(title=label), NOTHING
    lines = await read_lines(page, state["log"], label, me.person, _zone(request))
    then = page.moment
    context = {
        "label": label,
        "rules": rules,
        "title": (then.title if then else rules.title) or label,
        "topic": then.topic if then else rules.topic,
        "me": me,
        "lines": lines,
        "page": page,
        "then": then and Then(then.as_of, describe_then(lines, _zone(request))),
        "locked": PAST if then else _locked(rules),
        "next_seq": page.head_seq + 1,
        "versions": f"/api/v1/rooms/{label}/messages",
        "limit": MAX_MESSAGE,
    }
    about = _about(label, me, rules, page) | {"erasures": erasures}
    return render_page(request, "web/room.html", context | {"about": about})


def _about(label: str, me: Identity, rules: Rules, page: Page) -> dict[str, Any]:
    """What the page's scripts are told."""
    return {
        "room": label,
        "person": me.person,
        "handle": me.handle,
        "owner": rules.owner == me.person,
        "head": page.head_seq,
        "asOf": page.moment.as_of if page.moment else None,
        "foundOldest": page.found_oldest,
        "foundNewest": page.found_newest and page.moment is None,
        "locked": PAST if page.moment else _locked(rules),
        "limit": MAX_MESSAGE,
    }


def _locked(rules: Rules) -> str:
    """Why the visitor cannot write here; empty when they can."""
    if rules.archived:
        return "This room is archived: it can be read, but nothing can be added."
    if settings.GUESTS != "write":
        return "You can read here. To write, sign in."
    return ""


async def handle(request: ASGIRequest) -> HttpResponse:
    """`/accounts/handle/`: what the visitor wants to be called from now on, kept in their cookie."""
    if request.method != "POST":
        return render_refusal(request, 405, "Nothing to see here", "Handles are chosen in a room.")
    if not is_from_our_page(request):
        return render_refusal(request, 403, "Not from here", "This form was sent by another site.")
    chosen = clean_handle(request.POST.get("handle", "").strip())
    if chosen is None:
        return _answer_handle(request, 422, "Use 1 to 40 characters that can be seen.")
    me, _ = meet(request)
    known, token = guests_of(request).issue(me.person, chosen)
    return remember(request, _answer_handle(request, 200, known.handle), token)


def _answer_handle(request: ASGIRequest, status: int, words: str) -> HttpResponse:
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"handle" if status == 200 else "detail": words}, status=status)
    if status != 200:
        return render_refusal(request, status, "This handle cannot be used", words)
    label = request.POST.get("room", "")
    return HttpResponseRedirect(reverse("web:room", args=[label]) if LABEL.fullmatch(label) else reverse("web:front"))


def _zone(request: ASGIRequest) -> tzinfo:
    return reader_zone(unquote(request.COOKIES.get(ZONE_COOKIE, "")))


def _listed(found: dict[str, Any], zone: tzinfo) -> dict[str, Any]:
    """A room of the directory as the front page lists it."""
    at = found["last_message_at"]
    return {**found, "last_said": describe_moment(at, zone) if at else ""}


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Any address that leads nowhere."""
    return render_refusal(
        request, 404, "There is nothing here", "A room's address is its label: /garden/, for example."
    )


def broken(request: HttpRequest) -> HttpResponse:
    """An error that nobody expected."""
    return render_page(request, "500.html", {}, 500)
