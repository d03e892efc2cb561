"""The documentation page and its OpenAPI document; the page needs nothing from elsewhere and runs no inline script."""

from functools import cache
from html import escape

import msgspec
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.views.decorators.http import require_GET

from api.answers import send_json
from api.documentation import openapi
from api.v1 import ROOT, api

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
SETTINGS = {"url": "openapi.json", "layout": "BaseLayout", "deepLinking": True, "validatorUrl": None}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
</head>
<body>
<script type="application/json" id="swagger-settings">{settings}</script>
<div id="swagger-ui"></div>
<script src="{bundle}"></script>
<script src="{start}"></script>
</body>
</html>
"""


@require_GET
async def page(request: HttpRequest) -> HttpResponse:
    """`/api/docs`: Swagger UI, as it comes with ninja, on our own document."""
    response = HttpResponse(
        PAGE.format(
            title=escape(api.title),
            style=static("ninja/swagger-ui.css"),
            settings=msgspec.json.encode(SETTINGS).decode(),
            bundle=static("ninja/swagger-ui-bundle.js"),
            start=static("ninja/swagger-ui-init.js"),
        )
    )
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "no-cache"
    return response


@require_GET
async def document(request: HttpRequest) -> HttpResponse:
    """`/api/openapi.json`."""
    return send_json(_document(), private=False)


@cache
def _document() -> bytes:
    return openapi(api, ROOT)
