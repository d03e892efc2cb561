"""The ASGI application."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.rivals.stock.settings")

from django.core.asgi import get_asgi_application

http = get_asgi_application()

# Models can only be imported once Django is set up.
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path  # noqa: E402

from bench.rivals.stock.consumers import ChatConsumer  # noqa: E402

chat: Any = ChatConsumer.as_asgi()  # Django's types know views only
sockets: Any = [path("ws/chat/<slug:label>/", chat)]
application = ProtocolTypeRouter({"http": http, "websocket": URLRouter(sockets)})
