"""Every page's answer: rendered, in the visitor's scheme, under a policy that lets it run nothing but our own files."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

THEMES = ("light", "dark")
THEME_COOKIE = "verbatim_theme"
ZONE_COOKIE = "verbatim_zone"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "private, no-cache",
}


def render_page(request: HttpRequest, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
    """Render a page. `context` is joined by `theme`, which the visitor may have set."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    body = render_to_string(template, {"theme": theme if theme in THEMES else "", **context})
    return HttpResponse(body, status=status, headers=HEADERS)


def render_refusal(request: HttpRequest, status: int, title: str, detail: str) -> HttpResponse:
    """A page that says what went wrong and what to do."""
    return render_page(request, "web/refusal.html", {"title": title, "detail": detail, "status": status}, status)
