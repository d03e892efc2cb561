"""The documentation page and its OpenAPI document; the page needs nothing from elsewhere and runs no inline script."""

import asyncio
import gzip
from functools import cache
from html import escape
from pathlib import Path

import msgspec
import ninja
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from api.answers import send_json
from api.documentation import openapi
from api.v1 import ROOT, api
from commands.errors import NotFound

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-init.js": "text/javascript",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<script type="application/json" id="swagger-settings">{settings}</script>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/swagger-ui-init.js"></script>
</body>
</html>
"""
SETTINGS = {"url": "openapi.json", "layout": "BaseLayout", "deepLinking": True, "validatorUrl": None}


async def page(request: HttpRequest) -> HttpResponse:
    """`/api/docs`: Swagger UI on our own document."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    settings = msgspec.json.encode(SETTINGS).decode()
    response = HttpResponse(PAGE.format(title=escape(api.title), settings=settings))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


async def document(request: HttpRequest) -> HttpResponse:
    """`/api/openapi.json`."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    return send_json(_document(), private=False)


async def asset(request: HttpRequest, name: str) -> HttpResponse:
    """One of Swagger UI's files, which come with ninja. Raises: NotFound."""
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET"])
    if name not in ASSETS:
        raise NotFound
    squeezed = "gzip" in request.META.get("HTTP_ACCEPT_ENCODING", "")
    response = HttpResponse(
        await asyncio.to_thread(_file, name, squeezed), content_type=f"{ASSETS[name]}; charset=utf-8"
    )
    response.headers["Cache-Control"] = "public, max-age=86400"
    response.headers["Vary"] = "Accept-Encoding"
    if squeezed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _document() -> bytes:
    return openapi(api, ROOT)


@cache
def _file(name: str, squeezed: bool) -> bytes:
    content = (Path(ninja.__file__).parent / "static" / "ninja" / name).read_bytes()
    return gzip.compress(content, compresslevel=4) if squeezed else content
