"""Settings of the rival. DATABASE_URL and REDIS_URL say where it keeps and sends messages."""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["DATABASE_URL"])

SECRET_KEY = "a secret of the benchmarks"  # noqa: S105  # it guards nothing
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["bench.rivals.stock"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "bench.rivals.stock.views"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.removeprefix("/"),
        "USER": _database.username,
        "HOST": _database.hostname,
        "PORT": _database.port,
        # What Django advises under ASGI: a pool, no persistent connections.
        "OPTIONS": {"pool": {"min_size": 4, "max_size": 20, "timeout": 60}},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # All far beyond their defaults: with these messages are lost under load, connections refused, and sockets that
        # are quiet for 5 s closed (a blocking pop waits as long, too).
        "CONFIG": {
            "hosts": [{"address": os.environ["REDIS_URL"], "max_connections": 2000, "socket_timeout": 60}],
            "capacity": 5000,
        },
    }
}
