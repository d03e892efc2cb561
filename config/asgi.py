"""The ASGI application: lifespan, static files, Django for HTTP, Channels for WebSockets."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

django = get_asgi_application()

from config.application import Application
from realtime.routing import websockets

application = Application(django, websockets)
