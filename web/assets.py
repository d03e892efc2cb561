"""Static files, served by our own process at addresses that change whenever a file does.

The version is a folder of the address (`/static/<version>/web/room.js`), not a part of each file's name: modules import
each other by relative addresses, nothing is rewritten or collected, and everything may be cached for ever.
"""

from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from wsgiref.headers import Headers

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from servestatic import ServeStaticASGI  # type: ignore[import-untyped]  # it ships no py.typed

OURS = Path(__file__).parent / "static"


def static_url() -> str:
    """`/static/<version>/`, for settings: the version is that of our files and of the packages that bring some."""
    digest = sha256(f"{installed('django')} {installed('django-ninja')}".encode())
    for path in sorted(path for path in OURS.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(OURS)).encode() + b"\0" + path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}/"


def serve_static(application: Any) -> ServeStaticASGI:
    """The ASGI application with the static files of all installed apps in front of it."""
    served = ServeStaticASGI(
        application,
        autorefresh=settings.DEBUG,
        max_age=0 if settings.DEBUG else 60,
        allow_all_origins=False,
        immutable_file_test=lambda path, url: not settings.DEBUG,
        add_headers_function=_add_headers,
    )
    for folder in _folders():
        served.add_files(folder, prefix=settings.STATIC_URL)
    return served


def _folders() -> Iterator[str]:
    for finder in get_finders():
        for storage in getattr(finder, "storages", {}).values():
            yield storage.location


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
