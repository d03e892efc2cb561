"""The ASGI application: lifespan, static files, Django for HTTP, Channels for WebSockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

django = get_asgi_application()

# Models can only be imported once Django is set up.
from api.application import Rest  # noqa: E402
from config.application import Application  # noqa: E402
from config.watching import Watched  # noqa: E402
from realtime.routing import websockets  # noqa: E402
from web.assets import serve_static  # noqa: E402

http = Watched(Rest(serve_static(django)))
application = Application(http, websockets)
